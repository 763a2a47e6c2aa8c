"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { load, stash } = require("./load.js");

/** The page's requests to a Stash that gives these answers in turn; the last one stays. */
function page(...answers) {
  const asked = [];
  const slept = [];
  const reply = async ({ query, mutation, variables, fetchPolicy }) => {
    asked.push({ text: query || mutation, variables, fetchPolicy });
    const data = answers.length > 1 ? answers.shift() : answers[0];
    if (data instanceof Error) throw data;
    return { data };
  };
  const PluginApi = stash({ query: reply, mutate: reply });
  return { api: load("api", { PluginApi, slept }).PlexSync.api, asked, slept };
}

const answer = (output) => ({ runPluginOperation: output });
const always = () => true;

test("an operation is a mutation that no cache answers", async () => {
  const { api, asked } = page(answer({ total: 0 }));
  assert.deepEqual(await api.operation("queue", { limit: 25 }), { total: 0 });
  assert.deepEqual(asked[0].variables, { args: { mode: "queue", limit: 25 } });
  assert.equal(asked[0].fetchPolicy, "no-cache");
  assert.match(asked[0].text, /runPluginOperation\(plugin_id: "PlexSync"/);
});

test("an answer that is none is told as such", async () => {
  const { api } = page(answer(null));
  await assert.rejects(api.operation("status"), /is invalid/);
});

test("a command is asked about until it is done", async () => {
  const { api, asked, slept } = page(
    answer({ accepted: "01-2-3" }),
    answer({ state: "waiting" }),
    answer({ state: "running" }),
    answer({ state: "done", output: { queued: 1 } }),
  );
  assert.deepEqual(await api.command("sync", { scenes: [7] }, always), { queued: 1 });
  const asks = asked.map(({ variables }) => variables.args);
  assert.deepEqual(asks[0], { mode: "sync", scenes: [7] });
  assert.deepEqual(asks.slice(1), Array(3).fill({ mode: "result", id: "01-2-3" }));
  assert.deepEqual(slept, [0.4, 0.4, 0.4]);
});

test("a command is asked about more and more rarely", async () => {
  const waits = Array(25).fill(answer({ state: "running" }));
  const { api, slept } = page(answer({ accepted: "1" }), ...waits, answer({ state: "done", output: 1 }));
  await api.command("undo", { scene: 1 }, always);
  assert.deepEqual([slept[3], slept[4], slept[19], slept[20]], [0.4, 1, 1, 3]);
});

test("why a command failed is what PlexSync says", async () => {
  const failed = page(answer({ accepted: "1" }), answer({ state: "failed", error: "Plex is down." }));
  await assert.rejects(failed.api.command("preview", {}, always), /^Error: Plex is down\.$/);
  const lost = page(answer({ accepted: "1" }), answer({ state: "unknown" }));
  await assert.rejects(lost.api.command("preview", {}, always), /no longer has this command/);
});

test("nothing is asked any more once nobody cares", async () => {
  const { api, asked } = page(answer({ accepted: "1" }), answer({ state: "running" }));
  let turns = 0;
  assert.equal(await api.command("undo", { scene: 1 }, () => (turns += 1) < 4), null);
  assert.ok(asked.length <= 3);
});

test("each scene is a field of its own, and one that is gone is null", async () => {
  const { api, asked } = page({ s7: { id: "7" } });
  assert.deepEqual(await api.findScenes([7, 8]), { 7: { id: "7" }, 8: null });
  assert.match(asked[0].text, /s7: findScene\(id: "7"\).*s8: findScene\(id: "8"\)/);
  assert.deepEqual(await api.findScenes([]), {});
  assert.equal(asked.length, 1, "no scenes, no question");
});

test("a number is a scene, words are for Stash's search", async () => {
  const { api, asked } = page({ findScenes: { count: 501, scenes: [{ id: "3" }, { id: "4" }] } });
  assert.deepEqual(await api.searchScenes("42"), { ids: [42], more: false });
  assert.equal(asked.length, 0);
  assert.deepEqual(await api.searchScenes("a title"), { ids: [3, 4], more: true });
  assert.deepEqual(asked[0].variables, { q: "a title", most: api.MOST_FOUND });
  await api.searchScenes("0");
  assert.equal(asked.length, 2, "0 is no scene");
});

test("of the settings only the address is kept, whether both are entered, and whether cards get marks; asked once", async () => {
  const plugins = { PlexSync: { plex_url: "http://plex:32400", plex_token: "secret" } };
  const { api, asked } = page({ configuration: { plugins } });
  const found = await api.plexSettings();
  assert.deepEqual(found, { url: "http://plex:32400", entered: true, paused: false, marksCards: false });
  assert.equal(await api.plexSettings(), found);
  assert.equal(asked.length, 1);
});

test("settings that could not be read are asked for again", async () => {
  const { api } = page(new Error("away"), { configuration: { plugins: {} } });
  await assert.rejects(api.plexSettings());
  assert.deepEqual(await api.plexSettings(), { url: "", entered: false, paused: false, marksCards: false });
});

test("what went wrong is a sentence", () => {
  const { sentence } = page(null).api;
  const refused = { networkError: { result: { errors: [{ message: "limit: at most 500" }] } } };
  assert.equal(sentence(refused), "limit: at most 500");
  assert.equal(sentence({ networkError: { message: "refused" } }), "Stash does not answer: refused");
  assert.equal(sentence(new Error("plain")), "plain");
  assert.equal(sentence("text"), "text");
});
