/*
 * Formats numbers, times, scenes and the overall state: pure functions, tested in
 * tests/web/format.test.js.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	/** 14210 -> "14 210", with spaces that do not break. */
	function number(value) {
		return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u00a0");
	}

	/** The sum of an object's numbers. */
	function sumOf(counts) {
		return Object.values(counts || {}).reduce((sum, count) => sum + count, 0);
	}

	/** What stopping a backfill means: of a reconciliation no copy is kept, and its total may be unknown. */
	function stopWords({ backfill, done, total }) {
		return backfill === "reconcile"
			? "The rest would not be compared until the next reconciliation is due; what was written stays in Plex."
			: `${counted(Math.max(0, total - done), "scene")} would not be synced; what was written stays in Plex. Restore Removed restores them within 7 days.`;
	}

	function counted(value, one, many) {
		return `${number(value)} ${value === 1 ? one : many || `${one}s`}`;
	}

	/** A length of time by its two largest units: "2 h 5 min". */
	function duration(length) {
		const whole = Math.max(0, Math.round(length));
		const units = [
			["day", 86400],
			["h", 3600],
			["min", 60],
			["s", 1],
		];
		const parts = [];
		let rest = whole;
		for (const [unit, size] of units) {
			const count = Math.floor(rest / size);
			rest -= count * size;
			const name = unit === "day" && count !== 1 ? "days" : unit;
			if (count || (unit === "s" && !parts.length)) parts.push(`${count} ${name}`);
			else if (parts.length) break;
			if (parts.length === 2) break;
		}
		return parts.join(" ");
	}

	/** The largest unit alone is enough for "ago". */
	function roughly(length) {
		return duration(length).split(" ").slice(0, 2).join(" ");
	}

	function ago(at, now) {
		const passed = (now || Date.now() / 1000) - at;
		return passed < 5 ? "just now" : `${roughly(passed)} ago`;
	}

	function ahead(at, now) {
		const left = at - (now || Date.now() / 1000);
		return left < 1 ? "now" : `in ${roughly(left)}`;
	}

	let locale; // until Stash's is known, the browser's

	/** Show times in Stash's language from now on, as its own pages do. */
	function speak(language) {
		locale = language;
	}

	const TIME = { hour: "numeric", minute: "numeric" };

	function timeOfDay(when) {
		return when.toLocaleTimeString(locale, TIME);
	}

	function shortDate(when) {
		return when.toLocaleDateString(locale, { day: "numeric", month: "short" });
	}

	/** "14:05", with the day if it is not today. */
	function clockTime(at) {
		const when = new Date(at * 1000);
		if (when.toDateString() === new Date().toDateString()) return timeOfDay(when);
		return `${shortDate(when)}, ${timeOfDay(when)}`;
	}

	function fullTime(at) {
		const when = new Date(at * 1000);
		const day = { day: "numeric", month: "long", year: "numeric" };
		return `${when.toLocaleDateString(locale, day)} ${timeOfDay(when)}`;
	}

	function percent(share) {
		if (share >= 1) return "100 %";
		return `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
	}

	function milliseconds(length) {
		return length < 1 ? `${Math.max(1, Math.round(length * 1000))} ms` : `${length.toFixed(1)} s`;
	}

	function sceneTitle(id, scene) {
		if (!scene) return scene === null ? `Scene ${id} (no longer in Stash)` : `Scene ${id}`;
		return scene.title || (scene.files[0] && scene.files[0].basename) || `Scene ${id}`;
	}

	/** A name as a pattern takes it after a colon: between quotes where its signs mean something. */
	function quotedName(name) {
		const plain = !/[,|{}]/.test(name) && !/^[-"]/.test(name) && !name.endsWith("/*");
		return plain && name === name.trim() ? name : `"${name.replace(/"/g, '""')}"`;
	}

	const isOpen = (setting) => Boolean(setting) && !setting.secret;

	/** Settings as a file: what differs from the default, without secrets. */
	function writeSettings(shown, known) {
		const kept = Object.entries(shown).filter(([key, value]) => isOpen(known[key]) && value);
		return `${JSON.stringify({ plexsync: Object.fromEntries(kept) }, null, 2)}\n`;
	}

	/** The settings of such a file, every other one as by default; an Error says what is wrong. */
	function readSettings(text, known) {
		let found;
		try {
			found = JSON.parse(text).plexsync;
		} catch (problem) {
			throw new Error("The file is not JSON.");
		}
		if (!found || typeof found !== "object" || Array.isArray(found)) {
			throw new Error("The file holds no settings of PlexSync.");
		}
		const strange = Object.keys(found).find((key) => !isOpen(known[key]));
		if (strange) throw new Error(`The file has a setting that PlexSync does not import: ${strange}`);
		const entries = Object.entries(known).filter(([, setting]) => isOpen(setting));
		return Object.fromEntries(
			entries.map(([key, setting]) => {
				const value = found[key];
				if (setting.kind === "switch") return [key, value === true];
				return [key, value === undefined || value === null ? "" : String(value)];
			}),
		);
	}

	/** The address if a link or picture may use it, otherwise "". */
	function webAddress(text) {
		try {
			const address = new URL(text, document.baseURI);
			return address.protocol === "http:" || address.protocol === "https:" ? address.href : "";
		} catch (problem) {
			return "";
		}
	}

	const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0)$/;

	/** Whether this browser can probably reach this address of Stash's machine. */
	function withinReach(address) {
		const here = window.location.hostname;
		if (LOOPBACK.test(address.hostname)) return LOOPBACK.test(here);
		return /[.:]/.test(address.hostname) || address.hostname === here;
	}

	/** Plex's own page of an item; through plex.tv if only Stash's machine can reach the server. */
	function plexLink(url, server, key) {
		if (!server || !key) return "";
		const item = encodeURIComponent(`/library/metadata/${key}`);
		const hash = `#!/server/${encodeURIComponent(server)}/details?key=${item}`;
		const address = url && webAddress(url) ? new URL(url) : null;
		if (!address || !withinReach(address)) return `https://app.plex.tv/desktop/${hash}`;
		return `${address.origin}${address.pathname.replace(/\/+$/, "")}/web/index.html${hash}`;
	}

	/** A field's name: "sort_title" -> "sort title". */
	function label(field) {
		return field.replace(/_/g, " ");
	}

	function capital(text) {
		return text.charAt(0).toUpperCase() + text.slice(1);
	}

	PlexSync.format = {
		number,
		sumOf,
		counted,
		stopWords,
		duration,
		roughly,
		ago,
		ahead,
		speak,
		timeOfDay,
		shortDate,
		clockTime,
		fullTime,
		percent,
		milliseconds,
		sceneTitle,
		quotedName,
		writeSettings,
		readSettings,
		webAddress,
		plexLink,
		capital,
		label,
	};
})();
