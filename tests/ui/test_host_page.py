"""The host page behaves like Stash's, and errors in it are detected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.stash import StashSim
from tests.ui.conftest import Open
from tests.ui.house import Witness
from tests.ui.prepare import SITE
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

MANIFEST = """\
name: Guest
exec: [python3, "{pluginDir}/guest.py"]
tasks:
  - name: Work
    defaultArgs: {mode: work}
ui:
  javascript: [web/guest.js]
  css: [web/guest.css]
"""
TASK = """\
import json, sys
print(json.dumps({"output": json.load(sys.stdin)["args"]}))
"""
SCRIPT = """\
(function () {
  const { React, components, hooks, libraries, loadableComponents, patch, register, utils } =
    window.PluginApi;
  const { Nav, Tab } = libraries.Bootstrap;
  const h = React.createElement;
  const more = (children, extra) => [{ children: h(React.Fragment, null, children, extra) }];

  function Guest() {
    const loading = hooks.useLoadComponents([loadableComponents.SceneCard]);
    const toast = hooks.useToast();
    return h(
      "section",
      { "aria-label": "Guest" },
      h("h1", null, loading ? "Loading" : "Guest"),
      h(components.Icon, { icon: libraries.FontAwesomeSolid.faTv }),
      h("button", { onClick: () => toast.success("pressed") }, "Press"),
    );
  }
  register.route("/plugins/guest", Guest);
  register.component("Guest", Guest);
  patch.before("MainNavBar.MenuItems", ({ children }) =>
    more(children, h(libraries.ReactRouterDOM.NavLink, { to: "/plugins/guest" }, "Guest")),
  );
  patch.before("MainNavBar.UtilityItems", ({ children }) =>
    more(children, h("i", { className: "guest-utility" })),
  );
  patch.before("ScenePage.Tabs", ({ children, scene }) =>
    more(children, h(Nav.Item, null, h(Nav.Link, { eventKey: "guest" }, "Scene " + scene.id))),
  );
  patch.before("ScenePage.TabContent", ({ children, scene }) =>
    more(children, h(Tab.Pane, { eventKey: "guest" }, scene.files[0].path)),
  );
  patch.instead("SceneFileInfoPanel", (props, context, next) =>
    h("div", { id: "outer" }, h("b", null, "instead"), next(props)),
  );
  patch.after("SceneFileInfoPanel", (props, context, result) => h("div", { id: "after" }, result));
  window.utils = utils;
})();
"""


@pytest.fixture
def stash(tmp_path: Path) -> Iterator[StashSim]:
    """A Stash with another plugin in its web app."""
    folder = tmp_path / "plugins" / "Guest"
    (folder / "web").mkdir(parents=True)
    (folder / "Guest.yml").write_text(MANIFEST)
    (folder / "guest.py").write_text(TASK)
    (folder / "web" / "guest.js").write_text(SCRIPT)
    (folder / "web" / "guest.css").write_text(".guest-utility { color: rgb(1, 2, 3) }")
    with StashSim(str(folder), ui_dir=str(SITE)) as sim:
        sim.add_scene("A film", [("/data/a.mp4", 1)])
        yield sim


def test_the_libraries_are_those_of_stash(stash: StashSim, open_page: Open) -> None:
    page = open_page(stash)
    versions = page.evaluate(
        "[PluginApi.React.version, PluginApi.ReactDOM.version, utils.StashService.getClient().version]"
    )
    assert [version.rpartition(".")[0] for version in versions] == ["17.0", "17.0", "3.8"]
    assert page.evaluate("typeof PluginApi.libraries.ReactRouterDOM.Switch") != "undefined", (
        "5, not 6"
    )


def test_a_route_is_reached_by_its_link_and_by_a_reload(stash: StashSim, open_page: Open) -> None:
    page = open_page(stash)
    page.get_by_role("link", name="Guest").click()
    expect(page.get_by_role("heading", name="Guest")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Guest")).to_be_visible()
    page.get_by_role("button", name="Press").click()
    expect(page.get_by_text("pressed")).to_be_visible()


def test_patches_work_as_in_stash(stash: StashSim, open_page: Open) -> None:
    page = open_page(stash, "/scenes/1")
    page.get_by_role("tab", name="Scene 1").click()
    expect(page.locator(".tab-pane.active")).to_have_text("/data/a.mp4")
    page.get_by_role("tab", name="File Info").click()
    inner = page.locator("#after > #outer")
    expect(inner.locator("b")).to_have_text("instead")
    expect(inner.locator("dl")).to_contain_text("/data/a.mp4")


def test_utility_items_are_rendered_twice(stash: StashSim, open_page: Open) -> None:
    page = open_page(stash)
    expect(page.locator(".guest-utility")).to_have_count(2)
    color = page.locator(".guest-utility").first.evaluate("e => getComputedStyle(e).color")
    assert color == "rgb(1, 2, 3)"


def test_a_task_gets_the_arguments_of_the_document_and_not_those_of_the_service(
    stash: StashSim, open_page: Open
) -> None:
    page = open_page(stash)
    page.evaluate("utils.StashService.mutateRunPluginTask('Guest', 'Work', {more: 1})")
    page.evaluate(
        """utils.StashService.getClient().mutate({
            mutation: PluginApi.GQL.RunPluginTaskDocument,
            variables: {plugin_id: "Guest", task_name: "Work", args_map: {mode: "work", more: 1}},
        })"""
    )
    for job in stash.core.jobs.all:
        job.wait(20)
    assert [run.output for run in stash.runs] == [{"mode": "work"}, {"mode": "work", "more": 1}]


def test_the_witness_sees_what_no_page_should_do(
    stash: StashSim, open_page: Open, witness: Witness
) -> None:
    page = open_page(stash)
    page.evaluate("fetch('https://example.invalid/').catch(() => 0)")
    page.evaluate("new Image().src = 'https://example.invalid/x.png'")
    page.evaluate("alert('hello')")
    page.evaluate("setTimeout(() => { throw new Error('lost') })")
    page.evaluate("console.error('complaint')")
    # the last of them, once the browser has looked for the host
    until(lambda: page.evaluate("0") == 0 and "Failed to load" in "".join(witness.seen))
    seen = "\n".join(witness.seen)
    witness.seen.clear()
    for sign in ("Content Security Policy", "x.png", "dialog: hello", "lost", "complaint"):
        assert sign in seen
