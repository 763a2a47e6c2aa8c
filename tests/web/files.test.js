"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");

const { FILES, load, read, stash } = require("./load.js");

const TAKEN = /^\tconst \{([^}]+)\} =\s+PlexSync\.(\w+);$/gm;

/** [name, the file it is taken from] for all that a file takes from earlier ones. */
function taken(file) {
  return [...read(file).matchAll(TAKEN)].flatMap(([, names, from]) =>
    names.split(",").map((name) => [name.trim(), from]).filter(([name]) => name),
  );
}

test("what a file takes from another one is there, and used", () => {
  const checked = [];
  const each = (file, PlexSync) => {
    for (const [name, from] of taken(file)) {
      assert.notEqual((PlexSync[from] || {})[name], undefined, `${file} takes ${from}.${name}`);
      const places = read(file).match(new RegExp(`(?<![\\w.])${name}(?!\\w)`, "g"));
      assert.ok(places.length > 1, `${file} takes ${from}.${name} for nothing`);
      checked.push(name);
    }
  };
  load("navigation", { PluginApi: stash({ mutate: async () => ({ data: {} }) }), each });
  assert.ok(checked.length > 100);
});

test("the page puts itself into Stash at six places and looks once whether something is due", async () => {
  const calls = [];
  const asked = [];
  const client = {
    mutate: async ({ variables }) => {
      asked.push(variables.args.mode);
      return { data: { runPluginOperation: { waiting: 2, failed: 1 } } };
    },
  };
  const { PlexSync } = load("navigation", { PluginApi: stash(client, calls) });
  await new Promise(setImmediate);
  assert.deepEqual(calls, [
    "patch PluginSettings",
    "route /plugins/plexsync",
    "patch ScenePage.TabContent",
    "patch SceneList",
    "patch SceneCard.Overlays",
    "patch MainNavBar.MenuItems",
    "event stash:location",
  ]);
  assert.deepEqual(asked, ["tick"]);
  assert.deepEqual(PlexSync.polling.board.counts, { waiting: 2, failed: 1 });
});

test("all files of the page together weigh less than 250 KB", () => {
  const folder = path.join(__dirname, "..", "..", "web");
  const weight = fs.readdirSync(folder).reduce((sum, name) => {
    return sum + fs.statSync(path.join(folder, name)).size;
  }, 0);
  assert.ok(weight < 250_000, `${weight} bytes`);
});

test("a Stash that lacks what the page needs is left alone", () => {
  const calls = [];
  const { Event, ...rest } = stash(null, calls);
  for (const missing of ["React", "libraries", "patch"]) {
    const { [missing]: gone, ...poor } = rest;
    assert.equal(load("navigation", { PluginApi: poor }).PlexSync, undefined);
  }
  assert.equal(load("navigation", { PluginApi: null }).PlexSync, undefined);
  assert.deepEqual(calls, []);
});

test("each file is one function, so that the next one begins afresh", () => {
  for (const file of FILES) {
    assert.match(read(file), /^\/\*\n(?: \*.*\n)+ \*\/\n\(function \(\) \{\n\t"use strict";\n/, file);
    assert.ok(read(file).endsWith("\n})();\n"), file);
  }
});
