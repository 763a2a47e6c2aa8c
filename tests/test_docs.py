"""The documents are true: links have targets, names exist, quoted lines are in the code."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest
import yaml

import dev
from docgen import chart, figures
from docgen.__main__ import DOCUMENTS, stale
from plexsync.flows.tasks.registry import TASKS
from plexsync.model.config import DECLARED
from plexsync.model.settings_table import FIELDS, SETTINGS
from plexsync.model.stored import DATABASES
from plexsync.model.stored import DOCUMENTS as STATE_FILES
from release.package import FOLDERS, SINGLE
from simulator.plugin_manifest import load_manifest
from tests import test_layers
from tests.hostile.test_golden_texts import VARIES

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
}
WRITTEN = sorted(set(PAGES) - set(DOCUMENTS))
"""Pages that people write; the generated ones quote the code by nature."""
MANIFEST = load_manifest(str(ROOT / "PlexSync.yml"))
USER_PAGES = ("README.md", "docs/install.md", "docs/troubleshooting.md")


def without_blocks(text: str) -> str:
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.M | re.S)


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def anchors(page: str) -> frozenset[str]:
    headings = re.findall(r"^#+ (.+?)\s*$", without_blocks(PAGES[page]), re.M)
    return frozenset(map(slug, headings))


def spans(page: str) -> set[str]:
    """The texts in backticks."""
    return set(re.findall(r"`([^`\n]+)`", without_blocks(PAGES[page])))


@cache
def source() -> str:
    """Every text constant of the code, with a mark where a value is filled in."""
    texts = []
    for path in (ROOT / "PlexSync.py", *(ROOT / "plexsync").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "\0" for p in node.values)
                texts.append("".join(map(str, parts)))
    return "\0".join(texts)


@cache
def golden() -> str:
    files = sorted((ROOT / "tests" / "golden").glob("*.txt"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", without_blocks(PAGES[page]))
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), f"{page} links to {link}"
        name = target.relative_to(ROOT).as_posix()
        assert not anchor or anchor in anchors(name), f"{page} links to {link}"


OLD_WORDS = re.compile(
    r"\bletters?\b|\bwalks?\b|\bwish(es)?\b|\bgentle\b|\bgate\b|\bsettles?\b|\bgoes home\b"
    r"|\bbulk (work|jobs?)\b|\b(a|next|last|each|daily) look\b",
    re.IGNORECASE,
)
"""What a dead letter, a backfill, the desired state, the ramp, admission, debounce and a check were
once called here."""


@pytest.mark.parametrize("page", sorted(PAGES))
def test_it_speaks_of_things_by_the_trades_words(page: str) -> None:
    alphabet = r"(?i:(drive|dead)[-\s]letters?|letter by letter|form of a letter)"
    text = re.sub(rf"`[^`\n]+`|\]\([^)]*\)|{alphabet}", "", without_blocks(PAGES[page]))
    old = [
        text[max(0, found.start() - 30) : found.end() + 30] for found in OLD_WORDS.finditer(text)
    ]
    assert not old


@pytest.mark.parametrize(
    "folder", ["plexsync", "simulator", "bench", "torture", "docgen", "release", "tests", "web"]
)
def test_code_speaks_of_things_by_the_trades_words(folder: str) -> None:
    """In docstrings, comments and names of tests; on the page also in every text."""
    old = []
    alphabet = r"(?i:(dead|drive|flag|latin)[-\s]letters?|a letter and its accents?)"
    code = "" if folder == "web" else r"|`[^`\n]+`"
    for file in (*sorted((ROOT / folder).rglob("*.py")), *sorted((ROOT / folder).glob("*.js"))):
        source = file.read_text(encoding="utf-8")
        if not OLD_WORDS.search(re.sub(alphabet, "", f"{source}\n{source.replace('_', ' ')}")):
            continue  # as in most files; to parse all of them takes longer
        text = prose_of(file) if file.suffix == ".py" else source
        text = re.sub(alphabet + code, "", text)
        old += [f"{file.name}: {line}" for line in text.split("\n") if OLD_WORDS.search(line)]
    assert not old


def prose_of(file: Path) -> str:
    """The docstrings, comments and names of tests of a file; a string that stands alone counts as a
    docstring.
    """
    source = file.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    alone = [node.value for node in nodes if isinstance(node, ast.Expr)]
    strings = [str(s.value) for s in alone if isinstance(s, ast.Constant)]
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    tests = [name.replace("_", " ") for name in names if name.startswith("test_")]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return "\n".join([*strings, *tests, *comments])


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", PAGES["README.md"]))
    assert linked == {name for name in PAGES if name.startswith("docs/")}


def test_generated_pages_are_fresh() -> None:
    assert stale() == [], "run python3 dev.py docs"


@pytest.mark.parametrize("page", WRITTEN)
def test_every_file_of_ours_that_it_names_is_there(page: str) -> None:
    ours = r"(?:plexsync|simulator|tests|torture|bench|docgen|docs|web|flows|edges|policy|model)/[\w/]+"
    for name in spans(page):
        if re.fullmatch(rf"{ours}(?:\.\w+|/)", name):
            places = (ROOT / name, ROOT / "plexsync" / name, ROOT / "torture" / name)
            assert any(place.exists() for place in places), f"{page} names {name}"


@pytest.mark.parametrize("page", WRITTEN)
def test_every_setting_that_it_names_is_there(page: str) -> None:
    known = {*FIELDS, *FIELDS.values(), *TASKS}
    looks_like_one = re.compile(r"(?:no|sync|plex|recovery|reconcile|skip|strict|max|dlq)_[a-z_]+")
    for name in spans(page):
        if looks_like_one.fullmatch(name):
            assert name in known, f"{page} names {name}"


@pytest.mark.parametrize("page", USER_PAGES)
def test_what_is_in_bold_type_is_called_so_in_stash(page: str) -> None:
    known = {task.name for task in MANIFEST.tasks}
    known |= {setting.label for setting in SETTINGS.values()}
    bold = {
        re.sub(r"\s+", " ", name)
        for name in re.findall(r"\*\*([^*]+)\*\*", without_blocks(PAGES[page]))
    }
    names = {name for name in bold if not name.endswith(".")} - {"Not verified"}
    assert len(names) > 3
    assert names <= known


def test_every_button_is_in_the_readme() -> None:
    table = PAGES["README.md"].split("## The buttons")[1].split("## ")[0]
    for task in MANIFEST.tasks:
        last = re.sub(r" \(.*\)", "", task.name)
        short = last.removeprefix("Reconcile ").removesuffix(" Dead Letters")
        assert short in table, f"the README does not name {task.name}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_dev_py_that_it_names_exists(page: str) -> None:
    for name in re.findall(r"dev\.py ([\w-]+)", PAGES[page]):
        assert name in dev.COMMANDS, f"{page} names dev.py {name}"


def test_dev_py_names_commands_that_it_has_and_explains_each() -> None:
    first, *_ = re.findall(r"`python3 dev\.py ([\w |.-]+)`", dev.__doc__ or "")
    assert set(re.split(r"[\s|]+", first)) - {"..."} <= set(dev.COMMANDS)
    assert all(command.__doc__ for command in dev.COMMANDS.values())


@pytest.mark.parametrize("page", WRITTEN)
def test_every_class_that_it_names_is_in_the_code(page: str) -> None:
    classes = set(re.findall(r"^\s*class (\w+)", _code(), re.M))
    for name in spans(page):
        if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", name) and not name.startswith("Plex"):
            assert name in classes | {"AmbiguousMatch"}, f"{page} names {name}"
        elif re.fullmatch(r"Plex[A-Z]\w+", name) and "Sync" not in name:
            assert name in classes, f"{page} names {name}"


@cache
def _code() -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "plexsync").rglob("*.py"))


def test_every_quoted_line_of_the_log_is_in_the_code_or_in_what_users_read() -> None:
    blocks = re.findall(r"```log\n(.*?)```", PAGES["docs/troubleshooting.md"], re.S)
    pieces = [piece.strip() for block in blocks for piece in re.split("[…\n]", block)]
    pieces = [piece for piece in pieces if piece]
    assert len(pieces) > 40
    unknown = [piece for piece in pieces if piece not in source() and piece not in golden()]
    assert not unknown, f"no log has this: {unknown}"
    assert all(max(map(len, re.split("[…\n]", block))) > 9 for block in blocks)


def test_troubleshooting_names_symptom_line_and_remedy() -> None:
    entries = re.split(r"^### ", PAGES["docs/troubleshooting.md"], flags=re.M)[1:]
    assert len(entries) >= 15
    for entry in entries:
        title, _, text = entry.partition("\n")
        assert len(re.sub(r"```.*?```", "", text, flags=re.S).split()) > 8, f"{title}: what to do?"


def test_the_status_in_the_readme_is_what_the_button_says() -> None:
    (block,) = re.findall(r"```status\n(.*?)```", PAGES["README.md"], re.S)
    text = re.sub(r"\n  (?=\S)", " ", block)
    text = text.replace("/root/.stash/plugins/PlexSync", "<plugin>")
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text)
    said = golden().split("# healthy:")[1].split("### View Queue Status\n")[1].split("\n\n")[0]
    lines = [line.partition(" ")[2].strip() for line in said.splitlines()]
    assert text.splitlines() == lines[-len(text.splitlines()) :]
    assert len(text.splitlines()) > 10


def test_the_figures_in_the_readme_are_those_of_the_tables() -> None:
    section = PAGES["README.md"].split("## How fast it is")[1].split("## ")[0]
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| (\d{4}-\d\d-\d\d) \|$", section, re.M)
    assert len(rows) == 5
    for measured, day in rows:
        table = PAGES["docs/performance.md"].split(f"## Measured {day}")[1].split("## ")[0]
        for figure in re.findall(r"\d+\.\d+", measured):
            assert re.search(rf"\b{re.escape(figure)}\b", table), f"{figure} was not measured {day}"


def test_the_chart_of_cost_shows_every_size_that_was_measured() -> None:
    sizes = set(re.findall(r"reconciliation of ([\d,]+) scenes", PAGES["docs/performance.md"]))
    for run in chart.RUNS:
        drawn = chart.points(PAGES["docs/performance.md"], run)
        assert {f"{point.scenes:,}" for point in drawn} == sizes


def test_the_table_of_state_files_is_whole() -> None:
    table = PAGES["docs/architecture.md"].split("## Files")[1].split("## ")[0]
    named = set(re.findall(r"`([\w./]+)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    kept = {name.partition("/")[0] + "/" * ("/" in name) for name in (*DATABASES, *STATE_FILES)}
    assert kept <= named
    literals = set(re.findall(r"[\w./-]+", source()))
    for name in named:
        assert name.rstrip("/") in literals, f"the code knows no {name}"


def test_the_architecture_explains_the_important_modules() -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "plexsync").rglob("*.py")}
    explained = {name for name in spans("docs/architecture.md") if name.startswith("plexsync/")}
    assert len(explained & modules) > 60


def _definitions(file: Path) -> set[str]:
    """Every function, class and method of a file, a method as Class.method."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
    return found


@pytest.mark.parametrize("way", ["a change", "an outage", "a button"])
def test_every_step_of_a_way_names_a_file_and_what_happens_there(way: str) -> None:
    section = PAGES["docs/architecture.md"].split(f"## The way of {way}\n")[1].split("\n## ")[0]
    steps = re.findall(r"^\d+\. (.*)$", section, re.M)
    assert len(steps) > 10
    for step in steps:
        named = re.match(r"`([\w/]+\.py)` `([\w.]+)`: ", step)
        assert named, f"which file and function: {step}?"
        file, function = named.groups()
        assert (ROOT / file).is_file(), f"there is no {file}"
        assert function in _definitions(ROOT / file), f"{file} has no {function}"


def test_the_table_of_rooms_has_every_room_and_every_arrow() -> None:
    rooms = dict(
        re.findall(
            r"^\| `((?:flows|edges|policy)/\w+/)` \| .* \| (.*) \|$",
            PAGES["docs/architecture.md"],
            re.M,
        )
    )
    arrows: dict[str, set[str]] = {room: set() for room in map(_as_folder, test_layers.ROOMS)}
    for module, name in test_layers._between_rooms():
        here, there = test_layers._room(module), test_layers._room(name)
        if here and here != there and here.split(".")[1] == there.split(".")[1]:
            arrows[_as_folder(here)].add(there.split(".")[-1])
    named = {room: set(re.findall(r"\w+", arrows)) for room, arrows in rooms.items()}
    assert named == arrows


def _as_folder(room: str) -> str:
    return room.removeprefix("plexsync.").replace(".", "/") + "/"


def test_who_knows_a_job_queue_finds_its_parts_by_their_names() -> None:
    section = PAGES["docs/architecture.md"].split("## If you know Sidekiq")[1].split("\n## ")[0]
    files = {
        word: re.findall(r"`([\w/.]+)`", row)
        for word, row in re.findall(r"^\| ([^|`]+) \| (.*) \|$", section, re.M)
    }
    for words, name in (
        ("retry", "backoff"),
        ("dead letters", "dead_letters"),
        ("admission", "admission"),
        ("backfill", "backfill"),
        ("outage handling", "outage"),
    ):
        (found,) = (paths for word, paths in files.items() if word.startswith(words))
        assert name in found[0]
    assert all((ROOT / path).is_file() for paths in files.values() for path in paths)


def test_the_numbers_of_the_code_were_counted_by_the_script() -> None:
    page = PAGES["docs/architecture.md"]
    counted = page.split(figures.BEGIN)[1].split(figures.END)[0]
    head, _, *rows = re.findall(r"^\| (.*) \|$", counted, re.M)
    assert head.count("|") == len(figures.REVISIONS)
    assert [row.partition(" | ")[0] for row in rows] == list(figures.ROWS)


def test_defaults_in_the_hand_written_pages_are_the_models() -> None:
    text = PAGES["docs/troubleshooting.md"]
    (tags,) = re.findall(r"\*\*Tags per scene\*\* are written \(default (\d+)\)", text)
    assert int(tags) == DECLARED["max_tags"].default


def test_what_is_copied_by_hand_is_what_the_package_holds() -> None:
    section = PAGES["docs/install.md"].split("## By hand")[1].split("## ")[0]
    named = set(re.findall(r"`([\w.-]+)`", section.split("from a checkout")[1]))
    assert named == {*SINGLE, *FOLDERS}


def test_the_source_url_is_that_of_the_project() -> None:
    (home,) = re.findall(r"^url: https://github\.com/(\w+)/(\w+)$", _manifest_text(), re.M)
    url = f"https://{home[0]}.github.io/{home[1]}/index.yml"
    assert url in PAGES["README.md"]
    assert url in PAGES["docs/install.md"]


def _manifest_text() -> str:
    return (ROOT / "PlexSync.yml").read_text(encoding="utf-8")


def _recipe(what: str) -> tuple[set[str], list[str]]:
    """The files and folders that CONTRIBUTING lists for a new one of these, and its examples."""
    section = PAGES["CONTRIBUTING.md"].split(f"## Adding a {what}\n")[1].split("\n## ")[0]
    introduction, _, rest = section.partition("\n- ")
    listed = {name for name in re.findall(r"`([\w./]+)`", rest) if "/" in name or "." in name}
    return listed, re.findall(r"`(\w+)`", introduction)


def _users_of(word: str) -> set[str]:
    """The files of the project that contain a name as code, not only in prose."""
    kinds = {".py", ".yml", ".js", ".md"}
    folders = ("plexsync", "web", "simulator", "docgen", "docs")
    files = [*ROOT.glob("*"), *(path for name in folders for path in (ROOT / name).rglob("*"))]
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.suffix in kinds
        and path.name not in ("CHANGELOG.md", "CONTRIBUTING.md")
        and re.search(rf"\b{word}\b", path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("what", ["field", "setting", "button"])
def test_contributing_lists_every_file_of_a_new_one(what: str) -> None:
    listed, examples = _recipe(what)
    assert all((ROOT / name).exists() for name in listed)
    if what == "field":  # the setting that switches it has a list of its own
        listed |= {name for name in _recipe("setting")[0] if not name.startswith("tests/")}
        examples = [*examples, "originalTitle"]
    assert examples
    used = {file for word in examples for file in _users_of(word)}
    folders = tuple(name for name in listed if name.endswith("/"))
    missing = {file for file in used if file not in listed and not file.startswith(folders or "\0")}
    assert not missing - {"docs/architecture.md", "docs/page.md"}, f"{what}: {missing} not listed"


@pytest.mark.parametrize("what", ["setting", "button"])
def test_contributing_lists_no_file_that_a_new_one_leaves_alone(what: str) -> None:
    listed, (example, *_) = _recipe(what)
    prose = {"README.md", "docs/settings.md", "docgen/tasks.py"}
    code = {name for name in listed if name.startswith("plexsync/")}
    assert code <= _users_of(example), f"{code - _users_of(example)} without {example}"
    assert listed & prose


def test_contributing_maps_every_part_of_the_package() -> None:
    section = PAGES["CONTRIBUTING.md"].split("## The map")[1].split("\n## ")[0]
    parts = {path.name for path in (ROOT / "plexsync").iterdir() if not path.name.startswith("__")}
    assert parts == set(re.findall(r"`plexsync/([\w.]+)/?`", section))
    for layer in ("flows", "edges"):
        (row,) = re.findall(rf"^\| `plexsync/{layer}/` \| (.*) \|$", section, re.M)
        rooms = {path.name for path in (ROOT / "plexsync" / layer).glob("[a-z]*") if path.is_dir()}
        assert rooms == set(re.findall(r"`(\w+)`", row))


def test_the_story_of_the_first_change_is_there() -> None:
    text = PAGES["CONTRIBUTING.md"]
    ((file, words),) = re.findall(r"dev\.py test (tests/\S+) -k (\w+)", text)
    (name,) = re.findall(r"`(test_\w+)`", text)
    assert words in name
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yaml"))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_is_one_that_github_shows(form: Path) -> None:
    asked = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert (
        {"name", "description", "body"} <= set(asked) <= {"name", "description", "labels", "body"}
    )
    for part in asked["body"]:
        assert part["type"] in {"markdown", "textarea", "input"}
        assert ("value" if part["type"] == "markdown" else "label") in part["attributes"]
    ids = [part["id"] for part in asked["body"] if "id" in part]
    assert len(ids) == len(set(ids)) == sum(part["type"] != "markdown" for part in asked["body"])


def test_who_reports_a_fault_is_asked_for_the_status_and_the_log() -> None:
    (text,) = (form.read_text(encoding="utf-8") for form in FORMS if form.stem == "bug")
    for name in ("View Queue Status", "Check Setup"):
        assert name in text
        assert name in {task.name for task in MANIFEST.tasks}
    for name in re.findall(r'"([A-Z][^"]+)"', text):
        assert name in {setting.label for setting in SETTINGS.values()} | {"Plex: in step"}
    assert "plexsync.log" in text


def test_the_pull_request_template_names_files_and_commands_that_exist() -> None:
    text = (ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text(encoding="utf-8")
    assert set(re.findall(r"dev\.py ([\w-]+)", text)) <= set(dev.COMMANDS)
    named = re.findall(r"[A-Z]+\.md|tests/\w+", text)
    assert named
    assert all((ROOT / name).exists() for name in named)
