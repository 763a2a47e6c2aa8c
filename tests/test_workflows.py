"""The workflows, which only run where the project is published: their YAML and all that they call."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

import dev
from tests.contract import real_servers

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yaml"))
NAMES = [path.stem for path in WORKFLOWS]
OPERATORS = ("&&", "||", ";", "|", ">")
"""Where one command of a shell's line ends."""


def workflow(name: str) -> Any:
    return yaml.safe_load((ROOT / f".github/workflows/{name}.yaml").read_text(encoding="utf-8"))


def steps(name: str) -> Iterator[Any]:
    for job in workflow(name)["jobs"].values():
        yield from job.get("steps", ())


def commands(name: str) -> Iterator[list[str]]:
    """The words of each command in its steps; an expression of GitHub's becomes a word."""
    for step in steps(name):
        text = re.sub(r"\$\{\{.*?\}\}", "expression", step.get("run", "")).replace("\\\n", " ")
        for line in text.splitlines():
            words = []
            for word in [*shlex.split(line), ";"]:
                if word not in OPERATORS:
                    words.append(word)
                elif words:
                    yield words
                    words = []


@pytest.mark.parametrize("path", [*WORKFLOWS, *FORMS, ROOT / "PlexSync.yml"], ids=lambda p: p.name)
def test_the_yaml_is_clean(path: Path) -> None:
    config = YamlLintConfig(file=str(ROOT / ".yamllint"))
    found = linter.run(path.read_text(encoding="utf-8"), config, str(path))
    assert [f"{path.name}:{each.line} {each.desc}" for each in found] == []


def test_the_linter_sees_what_is_wrong() -> None:
    config = YamlLintConfig(file=str(ROOT / ".yamllint"))
    assert [each.rule for each in linter.run("a: 1\na: 2\n", config)] == ["key-duplicates"]


@pytest.mark.parametrize("name", NAMES)
def test_each_workflow_runs_only_what_exists(name: str) -> None:
    ours = [words for words in commands(name) if words[0].startswith("python")]
    for program, script, command, *_ in ours:
        assert program == "python"
        assert (ROOT / script).is_file()
        assert script != "dev.py" or command in dev.COMMANDS


def test_together_they_check_test_package_and_play_the_contract() -> None:
    called = {words[2] for name in NAMES for words in commands(name) if "dev.py" in words}
    assert {"lint", "test", "coverage", "test-ui", "package", "demo", "contract"} <= called


def test_all_tests_run_once_on_each_system_with_their_coverage_measured_on_linux() -> None:
    suites = {
        step["run"].strip(): step["if"]
        for step in workflow("test")["jobs"]["test"]["steps"]
        if "runner.os" in step.get("if", "")
    }
    assert suites == {
        "python dev.py coverage": "runner.os == 'Linux'",
        "python dev.py test\npython dev.py torture --tests": "runner.os != 'Linux'",
    }


def test_the_contract_run_passes_words_that_the_script_takes() -> None:
    (words,) = [words[3:] for words in commands("contract") if words[2:3] == ["contract"]]
    args = real_servers.parser().parse_args(words)
    (start,) = [step["run"] for step in steps("contract") if "docker run" in step.get("run", "")]
    assert f"{args.media}:{args.media_inside}:ro" in start
    assert f"mkdir -p {args.media} {args.plugins}" in start
    kept = [
        step["with"]["path"] for step in steps("contract") if "artifact" in step.get("uses", "")
    ]
    assert args.report in kept[0].split()


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_named_with_its_version(name: str) -> None:
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", each)] == []


def test_the_contract_is_played_weekly_and_on_demand_with_old_and_new_servers() -> None:
    told = workflow("contract")
    assert set(told[True]) == {"schedule", "workflow_dispatch"}  # YAML 1.1 reads `on` as true
    versions = told["jobs"]["contract"]["strategy"]["matrix"]["plex"]
    for begin in ("1.32.", "1.40.", "1.41.6.", "1.41.7.", "1.43.0.", "latest"):
        assert [each for each in versions if str(each).startswith(begin)], begin


def test_every_system_and_every_python_is_tested_before_anything_is_published() -> None:
    jobs = workflow("test")["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert "alpine" in jobs["alpine"]["container"]
    publish = workflow("publish")["jobs"]
    assert publish["test"]["uses"] == "./.github/workflows/test.yaml"
    assert publish["package"]["needs"] == "test"
    assert publish["publish"]["needs"] == "package"


def test_the_documents_say_which_workflows_there_are_and_whether_they_have_run() -> None:
    text = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    assert [path.name for path in WORKFLOWS if f"`{path.name}`" not in text] == []
