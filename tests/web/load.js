"use strict";

// The page's scripts as Stash serves them, beside a Stash that is made of little.

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const ROOT = path.join(__dirname, "..", "..");
const manifest = fs.readFileSync(path.join(ROOT, "PlexSync.yml"), "utf8");
const FILES = [...manifest.matchAll(/^ +- (web\/\S+\.js)$/gm)].map((match) => match[1]);

function read(file) {
  return fs.readFileSync(path.join(ROOT, file), "utf8");
}

/** What Stash hands to plugins: `client` is its Apollo client, `calls` are what was registered. */
function stash(client, calls = []) {
  const note = (what) => (name) => calls.push(`${what} ${name}`);
  return {
    React: { Component: class {}, createElement: () => null },
    libraries: { Bootstrap: {}, ReactRouterDOM: {}, Apollo: { gql: (text) => text } },
    patch: { before: note("patch"), after: note("patch") },
    register: { route: note("route") },
    Event: { addEventListener: note("event") },
    utils: { StashService: { getClient: () => client } },
  };
}

/**
 * `window` after the scripts up to `last` have run. Time passes at once; `slept` gets the seconds.
 * `each(file, PlexSync)` is called before each file.
 */
function load(last, { PluginApi = stash(), host = "stash.local", slept = [], each = () => {} } = {}) {
  const window = { PluginApi, location: { hostname: host } };
  const document = {
    hidden: false,
    baseURI: `http://${host}:9999/`,
    addEventListener() {},
    removeEventListener() {},
  };
  const later = (work, length) => {
    slept.push(length / 1000);
    setImmediate(work);
  };
  for (const file of FILES.slice(0, FILES.indexOf(`web/${last}.js`) + 1)) {
    each(file, window.PlexSync);
    const run = vm.compileFunction(read(file), ["window", "document", "setTimeout"], { filename: file });
    run(window, document, later);
  }
  return window;
}

module.exports = { FILES, load, read, stash };
