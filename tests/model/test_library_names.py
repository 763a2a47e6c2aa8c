from __future__ import annotations

import pytest

from plexsync.model.library_names import choose


@pytest.mark.parametrize(
    ("setting", "titles", "chosen", "missing"),
    [
        ("", ["Films"], [], []),
        (" , ,", ["Films"], [], []),
        ("Films", ["Films", "Clips"], ["Films"], []),
        ("films , CLIPS", ["Films", "Clips"], ["Films", "Clips"], []),
        ("Clips,Films", ["Films", "Clips"], ["Films", "Clips"], []),
        ("Drama, Old, Films", ["Films", "Drama, Old"], ["Films", "Drama, Old"], []),
        ("Drama, Old", ["Drama", "Old", "Drama, Old"], ["Drama, Old"], []),
        ("Drama, Old, Films", ["Drama", "Old", "Films"], ["Drama", "Old", "Films"], []),
        ("a, b, c", ["a", "a, b", "b, c", "c"], ["a, b", "c"], []),
        (" Movies", [" Movies", "Movies "], [" Movies"], []),
        ("Movies ", [" Movies", "Movies "], ["Movies "], []),
        ("Movies", [" Movies", "Movies", "Movies "], ["Movies"], []),
        ("Movies", ["Movies "], ["Movies "], []),
        ('" Movies","Movies "', [" Movies", "Movies ", "Movies"], [" Movies", "Movies "], []),
        ('Films, "Drama, Old"', ["Films", "Drama, Old", "Drama"], ["Films", "Drama, Old"], []),
        ('"Drama, Odl", Films', ["Films", "Drama, Old"], ["Films"], ["Drama, Odl"]),
        ('"open, Films', ["Films"], ["Films"], ['"open']),
        ('The "best" films', ['The "best" films'], ['The "best" films'], []),
        ("Caf\u00e9", ["Cafe\u0301"], ["Cafe\u0301"], []),
        ("Fimls, Films", ["Films"], ["Films"], ["Fimls"]),
        ("Films", ["Films", "films"], ["Films"], []),
        ("FILMS", ["Films", "films"], ["Films", "films"], []),
        ("Films", ["Films", "Films"], ["Films", "Films"], []),
    ],
)
def test_a_setting_names_libraries(
    setting: str, titles: list[str], chosen: list[str], missing: list[str]
) -> None:
    assert choose(setting, titles) == (chosen, missing)


@pytest.mark.long
def test_a_long_setting_costs_no_more_than_its_length() -> None:
    titles = [f"{n},{n}" for n in range(20)]
    chosen, missing = choose("," * 20_000 + "7,7" + ",x" * 5000, titles)
    assert (chosen, missing) == (["7,7"], ["x"])
