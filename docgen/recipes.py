"""docs/recipes.md: how patterns are written, with the table of placeholders from the code."""

from __future__ import annotations

from pathlib import Path

from docgen.markdown import generated, plain, table
from plexsync.policy.recipe.pattern import LONGEST, MOST_ENTRIES, MOST_PLACEHOLDERS
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

A recipe is a pattern in the settings, one for each field. An empty one means the default.
"""

LANGUAGE = f"""## The language

- Text stands for itself. `{{title}}` is what the scene has of that name, see the table below.
- `[...]` vanishes when a placeholder in it is empty: `[{{studio}}: ]{{title}}`.
- `{{a|b}}` is the first that is not empty: `{{group|studio}}`.
- `{{?organized}}` prints nothing, but what it stands in vanishes unless it holds: the brackets around it,
  the entry of a list, or the whole text. Any placeholder can be asked so: `{{?tag:Kids}}`.
- A list has entries with `;` between them. One with a placeholder of several values is repeated for each:
  `Series: {{group}}`. An entry is left out when a placeholder in it is empty.
- In a text such values are joined with commas.
- `{{{{`, `}}}}`, `[[`, `]]` and in a list `;;` stand for the signs themselves.

After a colon follows which values are meant, with commas between them:

- `{{tag:Kids,Adults}}`: these, by name, alias or id. Case does not matter, unless two names differ in
  nothing else.
- `{{tag:-Technical}}`: all but this.
- `{{tag:Genre/*}}`: all below Genre in Stash's hierarchy; `{{tag:-Technical/*}}` leaves out Technical and
  all below it. So do the names in **Tags to ignore**.
- `{{performer:female}}`, `{{performer:-male}}`, `{{performer:favorite}}`.
- A name with one of `,` `|` `{{` `}}` in it, or `-` or a quote before it, goes between double quotes:
  `{{tag:"Cut, uncut"}}`. A quote in it is written twice.

A pattern that cannot be read is named in the log and by **Check Setup**, with the place and what was
expected there; the default serves meanwhile. A pattern has at most {LONGEST:,} characters and
{MOST_PLACEHOLDERS} placeholders, a list at most {MOST_ENTRIES} entries. Names of performers and directors
beyond **Performers per scene**, and other names beyond **Tags per scene**, are left out.

The switches win: with **Do not sync tags** the pattern for genres is not used. **Sync groups too** adds the
groups to whatever the pattern for collections makes. Other people's collections and labels in Plex
stay; only those that PlexSync gave are taken away again.
"""


def document(root: Path) -> str:
    """The whole text."""
    lines = [generated("plexsync/policy/recipe"), HEAD]
    lines += table(
        ("setting", "while empty", "switch that turns it off"),
        ((f"`{key}`", _default(key), _switch(key)) for key in RECIPES),
    )
    lines += ["", LANGUAGE, "## Placeholders", ""]
    lines += table(
        ("placeholder", "after a colon", "what it stands for"),
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
        return f"`{default}` if `sync_code` is on, else not written"
    return f"`{default}`" if default else "not written"


def _switch(key: str) -> str:
    switch = RECIPES[key].switch
    return f"`no_{switch.removeprefix('sync_')}`" if switch else ""
