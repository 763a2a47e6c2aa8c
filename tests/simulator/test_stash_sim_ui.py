"""What a browser gets from the simulated Stash: the web app, and the files of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.stash import StashSim

MANIFEST = """\
name: Painter
version: "1.50"
ui:
  javascript: [web/one.js, missing.js, https://example.org/far.js, web/two.js]
  css: [web/look.css]
  requires: [Other]
  assets: {/files: web, /out: ../..}
  csp: {connect-src: [https://example.net]}
"""


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[StashSim]:
    app, plugin = tmp_path / "app", tmp_path / "plugins" / "Painter"
    (app / "assets").mkdir(parents=True)
    (app / "index.html").write_text('<base href="/" /><script src="assets/app.js"></script>')
    (app / "assets" / "app.js").write_text("let app;")
    (plugin / "web" / "deep").mkdir(parents=True)
    (plugin / "Painter.yml").write_text(MANIFEST)
    (plugin / "web" / "one.js").write_text("one();")
    (plugin / "web" / "two.js").write_text("two();")
    (plugin / "web" / "look.css").write_text("p {}")
    (tmp_path / "plugins" / "secret").write_text("secret")
    with StashSim(str(plugin), ui_dir=str(app)) as sim:
        yield sim


def get(sim: StashSim, path: str, **headers: str) -> requests.Response:
    return requests.get(sim.url + path, headers=headers, timeout=20, allow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/index.html", "/scenes/1", "/plugins/painter", "/free?a=b"])
def test_a_reload_anywhere_gives_the_web_app(sim: StashSim, path: str) -> None:
    answer = get(sim, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert "assets/app.js" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/plugin", "/plugin/Painter", "/plugin/Painter/page", "/plugin/painter/css", "/scene/1"],
)
def test_the_servers_own_prefixes_are_no_place_for_a_page(sim: StashSim, path: str) -> None:
    assert get(sim, path).status_code == 404


def test_the_app_knows_where_a_proxy_shows_it(sim: StashSim) -> None:
    prefix = {"X-Forwarded-Prefix": "/stash"}
    assert '<base href="/stash/" />' in get(sim, "/free", **prefix).text


def test_files_of_the_app_last_and_its_page_does_not(sim: StashSim) -> None:
    assert "immutable" in get(sim, "/assets/app.js").headers["Cache-Control"]
    assert get(sim, "/assets/none.js").status_code == 404
    page = get(sim, "/")
    assert page.headers["Cache-Control"] == "no-cache"
    again = get(sim, "/", **{"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_may_load_what_stash_allows_and_the_plugin_asks_for(sim: StashSim) -> None:
    def rules() -> dict[str, list[str]]:
        header = get(sim, "/").headers["Content-Security-Policy"]
        return {name: rest for name, *rest in (part.split() for part in header.split(";") if part)}

    with_plugin = rules()
    assert "https://example.net" in with_plugin["connect-src"]
    assert "https://example.org/far.js" in with_plugin["script-src"]
    assert with_plugin["img-src"] == ["data:", "*"]
    sim.enable_plugin(False)
    assert rules()["connect-src"] == ["data:", "'self'", "ws:", "wss:"]


def test_scripts_and_styles_are_joined_and_read_anew(sim: StashSim, tmp_path: Path) -> None:
    answer = get(sim, "/plugin/Painter/javascript")
    assert answer.text == "one();\n\ntwo();\n"
    assert answer.headers["Content-Type"] == "text/javascript"
    known = {"If-None-Match": answer.headers["ETag"]}
    assert get(sim, "/plugin/Painter/javascript", **known).status_code == 304
    (tmp_path / "plugins" / "Painter" / "web" / "one.js").write_text("uno();")
    assert get(sim, "/plugin/Painter/javascript", **known).text == "uno();\n\ntwo();\n"
    assert get(sim, "/plugin/Painter/css").text == "p {}\n"


def test_assets_are_files_and_listings_of_the_named_folders_only(sim: StashSim) -> None:
    assert get(sim, "/plugin/Painter/assets/files/one.js").text == "one();"
    assert '<a href="deep/">deep/</a>' in get(sim, "/plugin/Painter/assets/files/").text
    for path in ("/files/none.js", "/files/%2e%2e/Painter.yml", "/out/secret", "/web/one.js", ""):
        assert get(sim, f"/plugin/Painter/assets{path}").status_code == 404


def test_a_plugin_that_is_off_serves_nothing(sim: StashSim) -> None:
    sim.enable_plugin(False)
    for what in ("javascript", "css", "assets/files/one.js"):
        assert get(sim, f"/plugin/Painter/{what}").status_code == 400


def test_the_app_learns_the_addresses_of_plugins(sim: StashSim, ask: Callable[..., Any]) -> None:
    (plugin,) = ask(sim, "{plugins{id version requires paths{javascript css}}}")["plugins"]
    own = f"{sim.url}/plugin/Painter"
    assert plugin == {
        "id": "Painter",
        "version": "1.50",
        "requires": ["Other"],
        "paths": {
            "javascript": [f"{own}/javascript", "https://example.org/far.js"],
            "css": [f"{own}/css"],
        },
    }


def test_without_a_web_app_there_is_only_a_home_page() -> None:
    with StashSim() as bare:
        assert get(bare, "/").status_code == 200
        assert get(bare, "/scenes/1").status_code == 404
