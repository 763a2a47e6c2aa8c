"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { load } = require("./load.js");

const { cell, line, collect, outside } = load("csv").PlexSync.csv;

/** The rows of a file by RFC 4180, read without the code that wrote it. */
function parsed(text) {
  const rows = [[]];
  let place = 0;
  while (place < text.length) {
    let value = "";
    if (text[place] === '"') {
      for (place += 1; text[place] !== '"' || text[place + 1] === '"'; place += 1) {
        if (text[place] === '"') place += 1;
        value += text[place];
      }
      place += 1;
    } else {
      while (place < text.length && !",\r".includes(text[place])) value += text[place++];
    }
    rows[rows.length - 1].push(value);
    if (text[place] === "\r") {
      assert.equal(text[place + 1], "\n");
      rows.push([]);
      place += 1;
    }
    place += 1;
  }
  return rows.slice(0, -1);
}

test("a cell that a spreadsheet would run is only text", () => {
  for (const evil of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "=HYPERLINK(\"x\")", "\uff1d1", "\uff20x"]) {
    const written = cell(evil).replace(/^"/, "");
    assert.equal(written[0], "'", evil);
  }
  assert.equal(cell(-5), "-5", "a number is one");
  assert.equal(cell("A - B = C"), "A - B = C");
  assert.equal(cell(null), "");
  assert.equal(cell(undefined), "");
});

test("what is read back is what was written", () => {
  const cells = ['a "quoted" one', "two,parts", "line\nbreak", "line\r\nbreak", "plain", "", "Ümläut 日本", '"', '""', ","];
  assert.deepEqual(parsed(line(cells)), [cells]);
  assert.ok(line(["a"]).endsWith("\r\n"));
});

test("a hundred thousand rows come page by page, with a pause after each page", async () => {
  const all = Array.from({ length: 100_000 }, (_, place) => place + 1);
  let pages = 0;
  let waiting = 0;
  const read = async (after) => {
    pages += 1;
    await new Promise((resolve) => setImmediate(resolve));
    const some = all.filter((id) => id > after).slice(0, 500);
    return { rows: some.map((id) => [id, `Title ${id}`]), last: some.length ? some[some.length - 1] : after };
  };
  const other = setInterval(() => (waiting += 1), 0);
  const counts = [];
  const parts = await collect(["Scene", "Title"], read, (count) => counts.push(count) > 0);
  clearInterval(other);
  assert.equal(pages, 201);
  assert.ok(waiting > 10, "others had their turn meanwhile");
  const rows = parsed(parts.join("").slice(1));
  assert.equal(parts[0], "\ufeff");
  assert.equal(rows.length, 100_001);
  assert.deepEqual(rows[100_000], ["100000", "Title 100000"]);
  assert.equal(counts[counts.length - 1], 100_000);
});

test("it stops when nobody wants it any more", async () => {
  const read = async (after) => ({ rows: [[after + 1]], last: after + 1 });
  assert.equal(await collect(["n"], read, (count) => count < 3), null);
});

test("the ids that are in no range", () => {
  assert.deepEqual(outside([1, 2, 3, 7, 9, 12], [[2, 3], [8, 10]]), [1, 7, 12]);
  assert.deepEqual(outside([1, 2], []), [1, 2]);
  assert.deepEqual(outside([], [[1, 5]]), []);
});
