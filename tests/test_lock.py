"""requirements.txt and requirements-notify.txt: every pin has the hashes of its wheels, and `dev.py lock` writes it alike."""

from __future__ import annotations

import re

import pytest

import dev
from release.lock import FILES, fits, rendered

TEXT = FILES[0].read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^([\w.-]+)==\S+ \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def _hashes() -> dict[str, list[str]]:
    return {name: re.findall(r"[0-9a-f]{64}", block) for name, block in BLOCK.findall(TEXT)}


def test_every_pin_has_hashes_and_those_of_compiled_packages_many() -> None:
    pins = re.findall(r"^([\w.-]+)==", TEXT, re.MULTILINE)
    assert list(_hashes()) == pins
    assert len(pins) == 12
    assert all(len(set(found)) == len(found) for found in _hashes().values())
    assert min(len(_hashes()[name]) for name in ("pydantic_core", "charset-normalizer")) > 70


def test_what_sends_messages_runs_everywhere_and_is_pinned_too() -> None:
    text = FILES[1].read_text(encoding="utf-8")
    assert re.findall(r"^([\w.-]+)==", text, re.MULTILINE) == [
        name for name, _ in BLOCK.findall(text)
    ]
    assert text.count("--hash") == 1, "one wheel for all systems and Pythons"


def test_writing_it_anew_changes_nothing_but_the_hashes() -> None:
    assert rendered(TEXT, _hashes()) == TEXT
    other = rendered(TEXT, {name: ["f" * 64] for name in _hashes()})
    assert other.count("--hash") == 12
    assert rendered(other, _hashes()) == TEXT


@pytest.mark.parametrize(
    ("wheel", "fit"),
    [
        ("pydantic_core-2.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", True),
        ("pydantic_core-2.0-cp310-cp310-manylinux_2_31_riscv64.whl", True),
        ("pydantic_core-2.0-cp313-cp313-manylinux1_i686.manylinux_2_5_i686.whl", True),
        ("pydantic_core-2.0-cp314-cp314-musllinux_1_1_armv7l.whl", True),
        ("pydantic_core-2.0-cp314-cp314-macosx_10_12_x86_64.whl", True),
        ("pydantic_core-2.0-cp311-cp311-win_arm64.whl", True),
        ("charset_normalizer-2.0-cp37-abi3-win32.whl", True),
        ("idna-2.0-py3-none-any.whl", True),
        ("idna-2.1-py3-none-any.whl", False),
        ("idna-2.0.tar.gz", False),
        ("pydantic_core-2.0-cp39-cp39-win32.whl", False),
        ("pydantic_core-2.0-cp314-cp314t-win32.whl", False),
        ("pydantic_core-2.0-pp311-pypy311_pp73-win_amd64.whl", False),
        ("pydantic_core-2.0-cp312-cp312-manylinux2014_s390x.manylinux_2_17_s390x.whl", False),
        ("charset_normalizer-2.0-cp312-cp312-android_24_x86_64.whl", False),
        ("charset_normalizer-2.0-cp313-abi3-win32.whl", False),
    ],
)
def test_which_wheels_may_be_installed(wheel: str, fit: bool) -> None:
    assert fits(wheel, "2.0") == fit


def test_developers_install_what_users_get_and_the_rest_in_runs_of_its_own() -> None:
    users, *others = (*dev.REQUIREMENTS, dev.UI_REQUIREMENTS)
    assert users == FILES[0].name
    for name in others:
        assert "-r " not in (dev.ROOT / name).read_text(encoding="utf-8")
