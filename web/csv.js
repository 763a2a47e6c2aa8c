/*
 * Tables as files for a spreadsheet: pure functions, tested in tests/web/csv.test.js.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	/** RFC 4180; a text that a spreadsheet would run as a formula gets an apostrophe before it.
	 * Some take full-width signs for the others. */
	function cell(value) {
		const text = value === null || value === undefined ? "" : String(value);
		const safe = typeof value !== "number" && /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/.test(text) ? `'${text}` : text;
		return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
	}

	function line(cells) {
		return `${cells.map(cell).join(",")}\r\n`;
	}

	/**
	 * A whole table as the parts of a file, page by page: `read(last)` resolves to {rows, last}, rows
	 * of cells and what the next page starts after. `report(count)` is called after each page and
	 * says whether to go on; null if it does not.
	 */
	async function collect(head, read, report) {
		const parts = ["\ufeff", line(head)]; // the mark tells a spreadsheet that this is UTF-8
		let count = 0;
		let last = 0;
		for (;;) {
			const page = await read(last);
			parts.push(page.rows.map(line).join(""));
			count += page.rows.length;
			last = page.last;
			if (!report(count)) return null;
			if (!page.rows.length) return parts;
		}
	}

	/** Those of some ascending ids that are in none of some ascending ranges [first, last]. */
	function outside(ids, ranges) {
		let place = 0;
		return ids.filter((id) => {
			while (place < ranges.length && ranges[place][1] < id) place += 1;
			return place === ranges.length || id < ranges[place][0];
		});
	}

	PlexSync.csv = { cell, line, collect, outside };
})();
