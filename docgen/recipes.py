"""Generates docs/recipes.md: the syntax of patterns, with the table of placeholders from the code."""

from __future__ import annotations

from pathlib import Path

from docgen.markdown import generated, plain, table
from plexsync.policy.recipe.parser import LONGEST, MOST_ENTRIES, MOST_PLACEHOLDERS
from plexsync.policy.recipe.placeholders import BARE, NAMES, NOTHING, PEOPLE, SPECS, TREE
from plexsync.policy.recipe.recipe import RECIPES

CHOICES = {
    NOTHING: "",
    NAMES: "names",
    TREE: "names, `/*`",
    PEOPLE: "names, genders, `favorite`",
    BARE: "`bare`",
}

HEAD = """# Recipes: what becomes what

A recipe is a pattern in the settings, one for each field. If it is empty, the default is used.
"""

LANGUAGE = f"""## Syntax

- Text is literal. `{{title}}` is replaced by that value of the scene, see the table below.
- `[...]` is left out if a placeholder in it is empty: `[{{studio}}: ]{{title}}`.
- `{{a|b}}` is the first that is not empty: `{{group|studio}}`.
- `{{?organized}}` is a condition: it prints nothing, and if it does not hold, the brackets around
  it, the entry of a list, or the whole text is left out. Any placeholder can be a condition:
  `{{?tag:Kids}}`.
- The entries of a list are separated by `;`. One with a placeholder that has several values is
  repeated for each: `Series: {{group}}`. An entry is left out if a placeholder in it is empty.
- In a text several values are joined with commas.
- `{{{{`, `}}}}`, `[[`, `]]` and in a list `;;` are the literal characters.

After a colon you can select values, separated by commas:

- `{{tag:Kids,Adults}}`: these, by name, alias or id. Case does not matter, unless two names differ
  only in case.
- `{{tag:-Technical}}`: all except this one.
- `{{tag:Genre/*}}`: all below Genre in Stash's hierarchy; `{{tag:-Technical/*}}` excludes Technical
  and all below it, as the names in **Tags to ignore** do.
- `{{performer:female}}`, `{{performer:-male}}`, `{{performer:favorite}}`.
- Put a name that contains `,` `|` `{{` or `}}`, or that starts with `-` or a quote, in double
  quotes: `{{tag:"Cut, uncut"}}`. Double each quote in it.

The log and **Check Setup** report an invalid pattern, with the position and what was expected
there; the default is used instead. A pattern has at most {LONGEST:,} characters and
{MOST_PLACEHOLDERS} placeholders, a list at most {MOST_ENTRIES} entries. Names of performers and
directors beyond **Performers per scene**, and other names beyond **Tags per scene**, are left out.

Switches take precedence: with **Do not sync tags** the pattern for genres is not used. **Sync
groups too** adds the groups to the collections of the pattern. Collections and labels that you
added in Plex are kept; only those that PlexSync added are removed.
"""


def document(root: Path) -> str:
    """The whole text."""
    lines = [generated("plexsync/policy/recipe"), HEAD]
    lines += table(
        ("setting", "default", "switch that turns it off"),
        ((f"`{key}`", _default(key), _switch(key)) for key in RECIPES),
    )
    lines += ["", LANGUAGE, "## Placeholders", ""]
    lines += table(
        ("placeholder", "after a colon", "value"),
        (
            (
                f"`{{{'?' * spec.condition}{name}}}`",
                CHOICES[spec.choices],
                plain(spec.means) + (" (several values)" if spec.axis else ""),
            )
            for name, spec in SPECS.items()
        ),
    )
    return "\n".join([*lines, ""])


def _default(key: str) -> str:
    default = RECIPES[key].default
    if key == "original_title":
        return f"`{default}` if `sync_code` is on, otherwise not written"
    return f"`{default}`" if default else "not written"


def _switch(key: str) -> str:
    switch = RECIPES[key].switch
    return f"`no_{switch.removeprefix('sync_')}`" if switch else ""
