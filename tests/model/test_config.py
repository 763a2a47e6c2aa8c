from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import random
from itertools import pairwise

import pytest

from plexsync.model.config import DECLARED, PlexSyncConfig
from plexsync.model.config_check import SettingsRefused, check
from plexsync.model.config_reader import bounds, masked, read_config
from plexsync.model.formatting import quoted
from plexsync.model.secret import SecretStr
from plexsync.model.settings_table import FIELDS

TOKEN = "qX7-Secret_Token-42z"
WHOLE = os.path.abspath("plex.pem")
ENTERED = {"plex_url": "http://plex:32400", "plex_token": TOKEN}


def read(
    settings: dict[str, object], environ: dict[str, str] | None = None
) -> tuple[PlexSyncConfig, list[str]]:
    config, warnings = read_config(settings, environ or {})
    check(config)
    return config, warnings


def quiet(settings: dict[str, object], environ: dict[str, str] | None = None) -> PlexSyncConfig:
    config, warnings = read(settings, environ)
    assert warnings == []
    return config


def test_address_and_token_are_all_that_must_be_entered() -> None:
    config = quiet(dict(ENTERED))
    assert config.missing() == ""
    assert config.plex_url == "http://plex:32400"
    assert config.plex_token.get_secret_value() == TOKEN
    assert config == PlexSyncConfig(plex_url="http://plex:32400", plex_token=SecretStr(TOKEN))


def test_without_them_one_line_says_what_to_enter_and_where() -> None:
    nothing = quiet({}).missing()
    assert "Plex URL" in nothing and "Plex token" in nothing
    assert "Settings > Plugins > PlexSync" in nothing and "\n" not in nothing
    assert "Plex token" not in quiet({"plex_token": TOKEN}).missing()
    assert "Plex URL" not in quiet({"plex_url": "plex"}).missing()


@pytest.mark.parametrize("left_alone", [None, "", "  ", 0, 0.0, False, "missing"])
def test_a_setting_left_alone_means_its_default(left_alone: object) -> None:
    settings = {} if left_alone == "missing" else dict.fromkeys(FIELDS, left_alone)
    if left_alone == 0 and left_alone is not False:
        del settings["recovery_minutes"]
    assert quiet(settings) == PlexSyncConfig()


def test_no_ramp_is_a_zero_that_somebody_entered() -> None:
    assert quiet({"recovery_minutes": 0}).recovery_minutes == 0
    assert quiet({"recovery_minutes": None}).recovery_minutes == 5


def test_the_recovery_strategy_is_one_of_three_words() -> None:
    assert quiet({"recovery_strategy": " Normal "}).recovery_strategy == "normal"
    config, warnings = read_config({"recovery_strategy": "bold"}, {})
    assert config.recovery_strategy == "conservative"
    assert "conservative, normal, aggressive" in warnings[0]


def test_a_sort_title_has_the_name_in_it_and_no_other_braces() -> None:
    assert quiet({"collection_sort": " !{name} "}).collection_sort == "!{name}"
    for wrong in ("!", "{name", "!{name} {studio}", "{{name}}", 7):
        config, warnings = read_config({"collection_sort": wrong}, {})
        assert config.collection_sort == ""
        assert warnings[0].startswith("collection_sort: ")
    assert "{name}" in read_config({"collection_sort": "!"}, {})[1][0]


def test_pictures_are_chosen_by_words_in_their_order() -> None:
    config = quiet({"poster_from": " Group , cover,none, gallery"})
    assert config.picture_choices == {"poster": ("group", "cover")}
    assert config.more_pictures and not quiet({}).more_pictures
    assert quiet({}).picture_choices == {"poster": ("cover",)}
    assert quiet({"sync_background": True}).background_choice == ("cover",)
    assert quiet({"sync_background": True, "background_from": "none"}).background_choice == ()
    assert quiet({"no_poster": True, "poster_from": "group"}).picture_choices == {}
    assert quiet({"background_from": ","}).background_choice == ()
    for wrong in ("covers", "cover;group", "x" * 10_000, 7):
        config, warnings = read_config({"poster_from": wrong}, {})
        assert config == PlexSyncConfig() and len(warnings) == 1 and len(warnings[0]) < 300


def test_what_collections_show_has_a_fingerprint_of_its_own() -> None:
    prints = {
        quiet(settings).collection_fingerprint()
        for settings in ({}, {"collection_details": True}, {"collection_sort": "!{name}"})
    }
    assert len(prints) == 3


def test_reconciling_by_itself_is_off_until_somebody_names_an_interval() -> None:
    assert quiet({"reconcile_interval": ""}).reconcile_interval == "never"
    assert quiet({"reconcile_interval": "Daily"}).reconcile_interval == "daily"
    assert quiet({"reconcile_scope": "7days"}).reconcile_scope == "7days"
    config, warnings = read_config({"reconcile_interval": "often", "reconcile_scope": "30d"}, {})
    assert (config.reconcile_interval, config.reconcile_scope) == ("never", "24h")
    assert "never, hourly, daily, weekly" in warnings[0]
    assert "all, 24h, 7days" in warnings[1]


def test_off_is_the_default_of_every_switch_in_stash() -> None:
    defaults = {name: field.default for name, field in DECLARED.items()}
    switches = {key: field for key, field in FIELDS.items() if isinstance(defaults[field], bool)}
    turned = {key for key, field in switches.items() if defaults[field]}
    assert turned == {key for key, field in switches.items() if key != field}
    config = quiet(dict.fromkeys(switches, True))
    assert all(getattr(config, field) is not defaults[field] for field in switches.values())


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("pause_sync", "enabled"),
        ("accept_ambiguous", "strict_matching"),
        ("no_master", "sync_master"),
        ("no_tags", "sync_tags"),
    ],
)
def test_a_turned_switch_turns_its_field_off(key: str, field: str) -> None:
    assert getattr(quiet({}), field) is True
    assert getattr(quiet({key: True}), field) is False
    assert getattr(quiet({key: "TRUE"}), field) is False
    assert getattr(quiet({key: " false "}), field) is True


def test_every_field_can_be_set_and_each_by_one_key() -> None:
    assert sorted(FIELDS.values()) == sorted(DECLARED)


def test_the_names_of_the_model_are_no_settings() -> None:
    assert quiet({"enabled": False, "sync_tags": 1, "strict_matching": "no"}) == PlexSyncConfig()


def test_unknown_settings_are_left_to_others() -> None:
    assert quiet({"tagStashIDs": True, "from_the_future": ["?"]}) == PlexSyncConfig()


@pytest.mark.parametrize(
    ("key", "low", "high", "default"),
    [
        ("connect_timeout", 1, 30, 5),
        ("read_timeout", 5, 120, 30),
        ("max_retries", 1, 20, 5),
        ("max_tags", 10, 500, 100),
        ("max_performers", 10, 1000, 200),
        ("plex_connections", 1, 4, 2),
        ("dlq_retention_days", 1, 365, 30),
        ("reconcile_batch_size", 10, 1000, 500),
        ("recovery_start_rate", 1, 100, 5),
        ("recovery_end_rate", 1, 100, 20),
    ],
)
def test_numbers_have_a_range(key: str, low: int, high: int, default: int) -> None:
    for good in (low, high, str(high), f" {low} ", float(high)):
        assert getattr(quiet({key: good}), key) == int(float(good))
    assert getattr(quiet({key: "0"}), key) == default
    for bad in (low - 1 or -1, high + 1, -3, str(high + 1), low + 0.5, True, "many", "1e2", "٣"):
        config, warnings = read({key: bad})
        assert getattr(config, key) == default
        assert len(warnings) == 1
        shown = quoted(bad) if isinstance(bad, str) else str(bad)
        for words in (key, shown, f"{low} to {high}", f"default, {default}"):
            assert words in warnings[0]


@pytest.mark.parametrize("bad", ["maybe", 1, 2.5, ["true"], {"on": True}])
def test_a_switch_is_on_or_off(bad: object) -> None:
    config, warnings = read({"no_tags": bad})
    assert config.sync_tags is True
    assert len(warnings) == 1 and warnings[0].startswith("no_tags: ")
    assert "using the default, off" in warnings[0]


@pytest.mark.parametrize("bad", [5, True, ["a"], "broken \ud800"])
def test_a_text_is_a_text(bad: object) -> None:
    config, warnings = read({"path_map": bad, "plex_library": bad})
    assert (config.path_map, config.plex_library) == ("", "")
    assert len(warnings) == 2


@pytest.mark.parametrize(
    ("entered", "used"),
    [
        ("", ""),
        (" Ignore ", "ignore"),
        (f"  {WHOLE} ", WHOLE),
        (f'"{WHOLE}"', WHOLE),
    ],
)
def test_a_certificate_is_a_whole_path_or_the_word_ignore(entered: str, used: str) -> None:
    assert quiet({"plex_certificate": entered}).plex_certificate == used


@pytest.mark.parametrize("bad", ["plex.pem", "yes", "~/plex.pem", f"{WHOLE}\0", True, 1])
def test_any_other_certificate_leaves_the_usual_check_on(bad: object) -> None:
    config, warnings = read({"plex_certificate": bad})
    assert config.plex_certificate == ""
    assert len(warnings) == 1 and warnings[0].startswith("plex_certificate: ")
    assert "using the default, empty" in warnings[0]


def test_libraries_are_separated_by_commas() -> None:
    assert quiet({"plex_library": " Movies, Clips "}).plex_library == " Movies, Clips "
    assert quiet({"plex_library": " , "}).plex_library == ""


@pytest.mark.parametrize(
    ("entered", "used"),
    [
        ("http://plex:32400/", "http://plex:32400"),
        ("  https://192.168.1.5:32400  ", "https://192.168.1.5:32400"),
        ("192.168.1.5:32400", "http://192.168.1.5:32400"),
        ("plex", "http://plex"),
        ("//plex:32400", "http://plex:32400"),
        ("HTTPS://Plex.example.org", "https://Plex.example.org"),
        ("[::1]:32400", "http://[::1]:32400"),
        ("https://example.org/plex/", "https://example.org/plex"),
        ("http://plex:32400/web/index.html", "http://plex:32400"),
        ("http://plex:32400/web/", "http://plex:32400"),
    ],
)
def test_an_address_is_normalised(entered: str, used: str) -> None:
    assert quiet({"plex_url": entered}).plex_url == used


@pytest.mark.parametrize(
    ("entered", "reason"),
    [
        ("http://me:hunter2@plex:32400", "user name or password"),
        ("http://hunter2@plex", "user name or password"),
        ("http://plex:32400/?X-Plex-Token=hunter2", "a ? or # part"),
        ("http://plex:32400/web/index.html#!/hunter2", "a ? or # part"),
        ("ftp://plex", "http://"),
        ("file:///etc/hunter2", "names no host"),
        ("http:/plex", "not complete"),
        ("https:plex", "not complete"),
        ("http//plex", "not complete"),
        ("http://", "names no host"),
        ("http://:32400", "names no host"),
        ("http://plex:hunter2", "cannot be read"),
        ("http://plex:99999", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://plex:0", "names no host"),
        ("http://ple x", "spaces"),
        ("http://plex\r\nX-Evil: hunter2", "spaces"),
        ("http://ple\0x", "spaces"),
        ("http://plex\\evil", "names no host"),
        ("http://ple\ud800x", "broken"),
        (32400, "not text"),
        ("192.168.1.5:32400:32400", "cannot be read"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(
    entered: object, reason: str
) -> None:
    config, warnings = read({"plex_url": entered, "plex_token": TOKEN})
    assert config.plex_url == ""
    assert len(warnings) == 1
    assert warnings[0].startswith("plex_url: ") and reason in warnings[0]
    assert "hunter2" not in warnings[0]
    assert "Plex URL" in config.missing()


def test_the_environment_stands_in_for_what_nobody_entered() -> None:
    environ = {"PLEX_URL": "plex:1/", "PLEX_TOKEN": f" {TOKEN}\n"}
    config = quiet({}, environ)
    assert (config.plex_url, config.plex_token.get_secret_value()) == ("http://plex:1", TOKEN)
    assert quiet({"plex_url": "http://mine"}, environ).plex_url == "http://mine"


def test_the_older_plugins_settings_come_last() -> None:
    older = {"plexHost": "plex.lan", "plexPort": "32400", "plexToken": TOKEN}
    config = quiet(dict(older))
    assert config.plex_url == "http://plex.lan:32400"
    assert config.plex_token.get_secret_value() == TOKEN
    assert quiet(dict(older), {"PLEX_URL": "http://mine"}).plex_url == "http://mine"
    assert quiet({"plexHost": "https://plex.lan/", "plexPort": 1}).plex_url == "https://plex.lan:1"
    assert quiet({"plexHost": "plex.lan"}).plex_url == "http://plex.lan"
    assert quiet({"plexPort": "32400"}).plex_url == ""
    config, warnings = read({"plexHost": "plex.lan", "plexPort": "x"})
    assert config.plex_url == "" and "plexHost" in warnings[0]


def test_a_bad_address_is_not_replaced_by_another_servers() -> None:
    config, warnings = read({"plex_url": "ftp://mine"}, {"PLEX_URL": "http://other"})
    assert config.plex_url == "" and len(warnings) == 1


@pytest.mark.parametrize("bad", ["two words", "new\nline", "nul\0", "ünicode", 12345, [TOKEN]])
def test_a_token_that_no_header_could_carry_is_refused_unseen(bad: object) -> None:
    config, warnings = read({"plex_url": "http://plex", "plex_token": bad})
    assert config.plex_token.get_secret_value() == ""
    assert len(warnings) == 1 and warnings[0].startswith("plex_token: ")
    assert str(bad) not in warnings[0] and repr(bad) not in warnings[0]
    assert "Plex token" in config.missing()


def test_the_token_shows_nowhere() -> None:
    config, warnings = read({"plex_url": "ftp://x", "plex_token": TOKEN, "max_tags": -1})
    shown = (
        repr(config),
        str(config),
        f"{dataclasses.asdict(config)}",
        config.missing(),
        *warnings,
    )
    assert not any(TOKEN in text or TOKEN[:6] in text for text in shown)
    with pytest.raises(SettingsRefused) as refused:
        check(PlexSyncConfig(plex_token=TOKEN, max_tags=TOKEN))  # type: ignore[arg-type]
    assert TOKEN not in str(refused.value)


def test_a_token_is_masked_but_for_its_ends_from_16_characters_on() -> None:
    assert masked("abcdefghijklmnop") == "abcd...mnop"
    assert masked("abcdefghijklmno") == masked("short") == "*" * 8
    assert masked("") == ""


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("http://plex.example.org", True),
        ("http://8.8.8.8:32400", True),
        ("https://plex.example.org", False),
        ("http://192.168.1.5:32400", False),
        ("http://plex:32400", False),
        ("http://nas.local:32400", False),
        ("http://[fe80::1]:32400", False),
        ("http://100.100.1.2:32400", False),
    ],
)
def test_a_token_sent_openly_over_the_internet_is_warned_of(address: str, warned: bool) -> None:
    config, warnings = read({"plex_url": address})
    assert config.plex_url == address
    assert len(warnings) == warned
    assert not any(address in warning for warning in warnings)


def test_the_settings_are_frozen_and_complete() -> None:
    config = PlexSyncConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.enabled = False  # type: ignore[misc]
    with pytest.raises(TypeError):
        PlexSyncConfig(no_tags=True)  # type: ignore[call-arg]


WRONG = {
    "max_tags": ["100", 9, 501, True, 100.0, None],
    "enabled": [1, "true", None],
    "path_map": [5, None, b"/a=>/b"],
    "recovery_strategy": ["bold", "", None],
    "plex_token": [TOKEN, None],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in WRONG.items() for v in values])
def test_what_no_field_allows_is_refused_by_the_name_of_the_field(name: str, value: object) -> None:
    with pytest.raises(SettingsRefused) as refused:
        check(PlexSyncConfig(**{name: value}))  # type: ignore[arg-type]
    text = str(refused.value)
    assert f"{name}: Input should be" in text and "\n" not in text
    assert not isinstance(value, (str, bytes)) or not value or repr(value) not in text


def test_each_number_is_held_to_its_limits() -> None:
    numbers = [name for name, each in DECLARED.items() if type(each.default) is int]
    assert len(numbers) > 10
    for name in numbers:
        low, high = bounds(name)
        for fits in (low, high):
            check(PlexSyncConfig(**{name: fits}))  # type: ignore[arg-type]
        for wrong in (low - 1, high + 1):
            with pytest.raises(SettingsRefused, match=rf"{name}: Input should be (great|less)"):
                check(PlexSyncConfig(**{name: wrong}))  # type: ignore[arg-type]


def test_all_that_is_refused_is_named_at_once() -> None:
    with pytest.raises(SettingsRefused) as refused:
        check(PlexSyncConfig(max_tags=9, enabled=1))  # type: ignore[arg-type]
    assert str(refused.value) == (
        "PlexSync cannot use its settings: enabled: Input should be a valid boolean; max_tags: Input "
        "should be greater than or equal to 10. This is a mistake in PlexSync; please report it."
    )


def test_each_setting_is_documented() -> None:
    (body,) = ast.parse(inspect.getsource(PlexSyncConfig)).body
    assert isinstance(body, ast.ClassDef)
    documented = {
        each.target.id
        for each, text in pairwise(body.body)
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }
    assert documented == set(DECLARED)


def test_the_fingerprint_follows_what_is_written_or_matched() -> None:
    plain = quiet({}).desired_fingerprint()
    changes: dict[str, object] = dict.fromkeys(FIELDS, True)
    changes |= {"plex_library": "Movies", "path_map": "/a=>/b", "max_tags": 50}
    changes |= {"max_performers": 50}
    changes |= {"plex_url": "http://plex", "plex_token": TOKEN, "dlq_retention_days": 9}
    changes |= {"recovery_minutes": 9, "recovery_start_rate": 9, "recovery_end_rate": 9}
    changes |= {"recovery_strategy": "normal", "reconcile_batch_size": 50}
    changes |= {"reconcile_interval": "daily", "reconcile_scope": "all"}
    changes |= {"quiet_hours": "20:00-23:30"}
    changes |= {"connect_timeout": 9, "read_timeout": 9, "max_retries": 9, "plex_connections": 3}
    changes |= {"plex_certificate": "ignore", "collection_sort": "!{name}"}
    changes |= {"poster_from": "group", "background_from": "none"}
    changes |= {"notify_urls": "ntfy://host/topic", "notify_after": 9}
    recipes = {key for key, name in FIELDS.items() if name.startswith("recipe_")} | {"ignore_tags"}
    changes |= dict.fromkeys(recipes, "{code}")
    without_effect = recipes | {
        "background_from",
        "collection_details",
        "collection_sort",
        "connect_timeout",
        "debug_logging",
        "dlq_retention_days",
        "mark_cards",
        "max_retries",
        "notify_after",
        "notify_urls",
        "obfuscate_paths",
        "pause_sync",
        "plex_certificate",
        "plex_connections",
        "plex_token",
        "plex_url",
        "poster_from",
        "quiet_hours",
        "read_timeout",
        "reconcile_batch_size",
        "reconcile_interval",
        "reconcile_scope",
        "recovery_end_rate",
        "recovery_minutes",
        "recovery_start_rate",
        "recovery_strategy",
        "skip_missing",
        "skip_not_found",
        "sync_never",
        "sync_only",
        "trigger_plex_scan",
    }
    prints = {key: quiet({key: changes[key]}).desired_fingerprint() for key in FIELDS}
    assert {key for key, value in prints.items() if value == plain} == without_effect
    assert len(set(prints.values())) == len(prints) - len(without_effect) + 1


@pytest.mark.parametrize("key", ["title", "labels", "ignore_tags"])
def test_a_recipe_is_checked_scene_by_scene(key: str) -> None:
    plain, chosen = quiet({}), quiet({key: "{code}"})
    assert chosen.desired_fingerprint() == plain.desired_fingerprint()
    assert chosen.scenes_fingerprint() != plain.scenes_fingerprint()


def test_a_filter_changes_which_scenes_are_written_and_nothing_of_what_is() -> None:
    plain, chosen = quiet({}), quiet({"sync_only": "organized"})
    assert chosen.desired_fingerprint() == plain.desired_fingerprint()
    assert chosen.scenes_fingerprint() != plain.scenes_fingerprint()
    assert plain.scenes_fingerprint() == plain.desired_fingerprint()


@pytest.mark.parametrize("key", ["sync_only", "sync_never"])
@pytest.mark.parametrize("value", ["organised", 12, ["organized"], True, "tag:A\ud800; ?"])
def test_a_filter_that_cannot_be_read_lets_nothing_be_synced(key: str, value: object) -> None:
    config = quiet({**ENTERED, key: value})
    assert "is invalid at character" in config.unreadable() == config.not_ready()
    assert (
        "the view Settings of PlexSync's page" in config.not_ready()
        and "\n" not in config.not_ready()
    )
    assert "Plex URL" in quiet({key: value}).not_ready()


def test_a_filter_that_can_be_read_is_no_trouble() -> None:
    config = quiet({**ENTERED, "sync_only": "organized; tag:A/*", "sync_never": " path:/data "})
    assert config.not_ready() == ""
    assert (config.sync_only, config.sync_never) == ("organized; tag:A/*", " path:/data ")


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    config = quiet({"plex_library": "B,A", "no_tags": True})
    assert (
        config.desired_fingerprint()
        == quiet({"no_tags": "true", "plex_library": "A, B"}).desired_fingerprint()
    )
    blanks = {
        quiet({"plex_library": name}).desired_fingerprint() for name in ("A", " A", "A ", '"A"')
    }
    assert len(blanks) == 4
    assert quiet({}).desired_fingerprint() == (
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


def test_no_settings_whatever_make_it_raise() -> None:
    rng = random.Random(25)
    odd: list[object] = [
        None, "", 0, -1, 10**400, 1e308, float("nan"), float("inf"), True, "x" * 9000, "\0", "\ud800",
        [], {}, [[]], {"a": {}}, b"bytes", "0", "-0", "=>", ";;", ",", "http://", "9" * 5000, object(),
    ]  # fmt: skip
    keys = [*FIELDS, "plexHost", "plexPort", "plexToken"]
    for _ in range(2000):
        settings = {key: rng.choice(odd) for key in rng.sample(keys, 12)}
        config, warnings = read(settings)
        assert isinstance(config, PlexSyncConfig)
        assert all("\n" not in w and len(w) < 400 for w in warnings)
        assert len(warnings) <= len(settings)
    for nonsense in (None, [], "text", 5):
        assert read_config(nonsense, {})[0] == PlexSyncConfig()  # type: ignore[arg-type]
