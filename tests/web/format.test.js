"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { load } = require("./load.js");

const { format } = load("format").PlexSync;

test("numbers have spaces that do not break", () => {
  assert.equal(format.number(14210), "14\u00a0210");
  assert.equal(format.number(999.6), "1\u00a0000");
  assert.equal(format.number(0), "0");
  assert.equal(format.counted(1, "scene"), "1 scene");
  assert.equal(format.counted(2, "try", "tries"), "2 tries");
  assert.equal(format.sumOf({ a: 1, b: 2 }), 3);
  assert.equal(format.sumOf(null), 0);
});

test("stopping a backfill promises only what it does", () => {
  const scenes = format.stopWords({ backfill: "sync all", done: 3, total: 4 });
  assert.match(scenes, /^1 scene would not be synced;.* Restore Removed restores/);
  const pass = format.stopWords({ backfill: "reconcile", done: 300, total: null });
  assert.match(pass, /^The rest would not be compared until the next/);
  assert.doesNotMatch(pass, /0 scenes|Restore Removed/);
});

test("a length of time has its two largest units", () => {
  const lengths = {
    0: "0 s",
    59.4: "59 s",
    60: "1 min",
    7500: "2 h 5 min",
    3605: "1 h",
    86400: "1 day",
    180000: "2 days 2 h",
  };
  for (const [length, words] of Object.entries(lengths)) {
    assert.equal(format.duration(Number(length)), words);
  }
  assert.equal(format.duration(-5), "0 s");
});

test("times are told from now", () => {
  assert.equal(format.ago(1000, 1003), "just now");
  assert.equal(format.ago(1000, 8500), "2 h ago");
  assert.equal(format.ahead(1000, 1000.5), "now");
  assert.equal(format.ahead(1090, 1000), "in 1 min");
  const now = Date.now() / 1000;
  assert.match(format.clockTime(now), /^\d{1,2}.\d\d/);
  assert.match(format.clockTime(now - 3 * 86400), /, /);
});

test("shares and short lengths are rounded so that they promise nothing", () => {
  assert.equal(format.percent(1), "100 %");
  assert.equal(format.percent(0.99999), "99.99 %");
  assert.equal(format.milliseconds(0.0004), "1 ms");
  assert.equal(format.milliseconds(2.34), "2.3 s");
});

test("a scene is named by its title, its file, or its number", () => {
  const files = [{ basename: "a.mp4" }];
  assert.equal(format.sceneTitle(7, { title: "T", files }), "T");
  assert.equal(format.sceneTitle(7, { title: "", files }), "a.mp4");
  assert.equal(format.sceneTitle(7, { title: "", files: [] }), "Scene 7");
  assert.equal(format.sceneTitle(7, undefined), "Scene 7");
  assert.equal(format.sceneTitle(7, null), "Scene 7 (no longer in Stash)");
});

test("a link leads to the web and nowhere else", () => {
  assert.equal(format.webAddress("/scene/1/screenshot"), "http://stash.local:9999/scene/1/screenshot");
  assert.equal(format.webAddress("javascript:alert(1)"), "");
  assert.equal(format.webAddress("http://["), "");
});

test("Plex opens at its own address only where this browser can reach that", () => {
  const item = "#!/server/abc/details?key=%2Flibrary%2Fmetadata%2F7";
  const own = (url, host) => load("format", { host }).PlexSync.format.plexLink(url, "abc", 7);
  const away = `https://app.plex.tv/desktop/${item}`;
  assert.equal(own("http://10.0.0.2:32400/", "stash.local"), `http://10.0.0.2:32400/web/index.html${item}`);
  assert.equal(own("http://localhost:32400", "localhost"), `http://localhost:32400/web/index.html${item}`);
  assert.equal(own("http://localhost:32400", "stash.local"), away);
  assert.equal(own("http://plex:32400", "stash.local"), away);
  assert.equal(own("", "stash.local"), away);
  assert.equal(format.plexLink("http://10.0.0.2", "", 7), "");
});

test("times are shown in Stash's language", () => {
  const at = new Date(2026, 10, 28, 13, 5).getTime() / 1000;
  format.speak("en-GB");
  assert.equal(format.timeOfDay(new Date(at * 1000)), "13:05");
  assert.equal(format.fullTime(at), "28 November 2026 13:05");
  assert.match(format.clockTime(at), /13:05$/);
  assert.equal(format.timeOfDay(new Date(2026, 10, 28, 2, 5)), "02:05");
  format.speak("en-US");
  assert.match(format.timeOfDay(new Date(at * 1000)), /^1:05\sPM$/);
  assert.match(format.fullTime(at), /^November 28, 2026 1:05\sPM$/);
});

test("a name stands in a pattern as it is, or between quotes", () => {
  const names = {
    "Big Tag": "Big Tag",
    "a;b [c] /d*": "a;b [c] /d*",
    "a,b": '"a,b"',
    "a|b{c}": '"a|b{c}"',
    "-minus": '"-minus"',
    '"quoted"': '"""quoted"""',
    "all/*": '"all/*"',
    " blank": '" blank"',
  };
  for (const [name, written] of Object.entries(names)) assert.equal(format.quotedName(name), written);
});

test("settings are exported without secrets, and come back as they were", () => {
  const known = {
    plex_token: { kind: "text", secret: true },
    plex_url: { kind: "text" },
    no_tags: { kind: "switch" },
    max_tags: { kind: "number" },
  };
  const shown = { plex_token: "secret", plex_url: "http://a", no_tags: true, max_tags: "" };
  const file = format.writeSettings(shown, known);
  assert.doesNotMatch(file, /secret|max_tags/);
  assert.deepEqual({ ...format.readSettings(file, known) }, { plex_url: "http://a", no_tags: true, max_tags: "" });
});

test("a file that holds no settings is refused in words", () => {
  const known = { plex_token: { kind: "text", secret: true }, max_tags: { kind: "number" } };
  assert.throws(() => format.readSettings("nonsense", known), /not JSON/);
  assert.throws(() => format.readSettings("[]", known), /no settings/);
  assert.throws(() => format.readSettings('{"plexsync": {"other": 1}}', known), /does not import: other/);
  assert.throws(() => format.readSettings('{"plexsync": {"plex_token": "x"}}', known), /plex_token/);
});
