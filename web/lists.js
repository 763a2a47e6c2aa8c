/*
 * The view Scenes: every scene is in one list, and each number on the overview leads to its list.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { ADDRESS, TASKS } = PlexSync.core;
	const { Fragment, useCallback, useMemo, useRef, useState, createElement: h } =
		PlexSync.core.React;
	const { Badge, Button } = PlexSync.core.Bootstrap;
	const { Link, useLocation } = PlexSync.core.Router;
	const { number, sumOf, counted, clockTime, sceneTitle } = PlexSync.format;
	const { allScenes, command, findScenes, operation } = PlexSync.api;
	const { collect, outside } = PlexSync.csv;
	const { useAlive } = PlexSync.polling;
	const { useAct, usePlexLinks, useScenes, Box, Busy, Confirm, Cover, PlexLink, SceneName, Time } =
		PlexSync.widgets;
	const { Listing, TableTools, readPage, useTable } = PlexSync.tables;
	const { Candidates, RowButton, RowLinks, Why, undoable, undoneWords, useDialogs } = PlexSync.rows;

	const NOT_SEEN = "not_seen";
	const ONLY_IN_PLEX = "only_in_plex";
	const PAGE = 500; // rows of a request while a file is made

	/** A list: its title, what it means, what it says when it is empty, and what its rows offer. */
	const LISTS = {
		in_step: [
			"In step",
			"Plex shows what Stash has.",
			"No scene is in step yet.",
			"sync preview undo",
		],
		waiting: [
			"Waiting",
			"These are synced when it is their turn; the view Queue shows the order.",
			"Nothing waits.",
			"sync preview",
		],
		not_in_plex: [
			"Not in Plex",
			"Plex has no item with the file of these scenes. PlexSync tries again when one appears. Let Plex scan the folder, and see in Set-up whether the path map fits and whether Plex passes over such names. Scenes that PlexSync has given up on are under Needs you.",
			"Plex has every file.",
			"sync preview",
		],
		needs_you: [
			"Needs you",
			"PlexSync gave up on these; each row says why.",
			"Nothing needs you.",
			"retry pin preview",
		],
		edited_in_plex: [
			"Edited in Plex",
			"Somebody changed in Plex what PlexSync wrote. The setting “Keep edits made in Plex” decides whether it stays; without it the next sync overwrites it.",
			"No edit in Plex is known.",
			"overwrite preview",
		],
		too_little_metadata: [
			"Too little metadata",
			"Nothing in Stash is worth writing yet. Give these scenes a title or other details there.",
			"Every scene has something to write.",
			"",
		],
		left_out: [
			"Left out",
			"The filters in the settings keep these out of Plex.",
			"The filters leave nothing out.",
			"preview undo",
		],
		shared: [
			"Item of another scene",
			"The Plex item with the file of these scenes shows another scene, which comes first.",
			"No two scenes share a Plex item.",
			"preview",
		],
		undone: [
			"Undone",
			"Plex has what it had before, until such a scene is edited or synced here.",
			"Nothing was undone.",
			"sync preview",
		],
		cleared: [
			"No longer tried",
			"The jobs or dead letters of these were cleared. An edit in Stash tries again.",
			"Nothing was cleared.",
			"sync preview",
		],
		[NOT_SEEN]: [
			"Not looked at yet",
			`These were not saved since PlexSync was installed. ${TASKS.sync_all} brings all of them.`,
			"PlexSync knows every scene.",
			"sync preview",
		],
		[ONLY_IN_PLEX]: [
			"Only in Plex",
			"No scene in Stash has these files. PlexSync leaves them alone; let Stash scan their folders if they belong there.",
			"Every file in Plex has a scene.",
			"",
		],
	};

	const FOUND = ["edited_in_plex", ONLY_IN_PLEX]; // only a reconciliation finds these
	const BY_PAGE = ["not_in_plex", "cleared", "undone"]; // these may be synced a page at a time

	const COLUMNS = [
		{ label: "Cover", hidden: true },
		{ label: "Scene", sorts: ["scene", "scene_desc"] },
		{ label: "Why" },
		{ label: "Since", sorts: ["newest", "oldest"] },
		{ label: "Actions", hidden: true },
	];
	const UNSEEN_COLUMNS = [COLUMNS[0], { label: "Scene" }, COLUMNS[4]];
	const FILE_COLUMNS = [
		{ label: "File", sorts: ["file", "file_desc"] },
		{ label: "Actions", hidden: true },
	];

	function addressOf(name) {
		return `${ADDRESS}?view=scenes&state=${name}`;
	}

	/** The number of scenes in each list; `inStash` is null while it is unknown. */
	function numbers(status, inStash) {
		if (!status || !status.states) return null;
		const known = sumOf(status.states);
		const more = inStash === null ? {} : { [NOT_SEEN]: Math.max(0, inStash - known) };
		const { items } = status.only_in_plex || { items: 0 };
		return { ...status.states, ...more, [ONLY_IN_PLEX]: items };
	}

	/** When what only a reconciliation finds was found. */
	function foundAt(status, name) {
		if (name === ONLY_IN_PLEX) return status.only_in_plex && status.only_in_plex.found_at;
		const { covered } = status.reconcile || {};
		return Math.max(0, ...Object.values(covered || {}));
	}

	/** On the overview: where all scenes stand, each number a link to its list. */
	function Standing({ status, inStash }) {
		const counts = numbers(status, inStash);
		if (!counts) return null;
		const shown = Object.keys(LISTS).filter((name) => name === "in_step" || counts[name]);
		return h(
			Box,
			{ title: "Scenes" },
			h(
				"ul",
				{ className: "plexsync-standing" },
				shown.map((name) =>
					h(
						"li",
						{ key: name },
						h(Link, { to: addressOf(name) }, h("b", null, number(counts[name])), ` ${LISTS[name][0]}`),
					),
				),
			),
		);
	}

	/** The scenes that PlexSync does not know: Stash's, without the known ones. */
	async function unseen(text) {
		const [{ ranges }, ids] = await Promise.all([operation("known_scenes"), allScenes(text)]);
		return outside(ids, ranges);
	}

	function unknown(scene) {
		return { scene, state: "unknown", words: "", detail: "", path: "", targets: [], edited: [] };
	}

	/** A function that reads a page of a list; a whole list is read with it `after` one row's id. */
	function readerOf(name) {
		if (name === ONLY_IN_PLEX) return (args, search) => operation(name, { ...args, search });
		if (name !== NOT_SEEN)
			return (args, search) => readPage("scenes_in_state", { state: name, ...args }, search);
		let ids = [];
		return async ({ after = 0, offset = 0, limit }, search) => {
			if (!after) ids = await unseen(search);
			const rest = ids.filter((id) => id > after);
			return { total: ids.length, scenes: rest.slice(offset, offset + limit).map(unknown) };
		};
	}

	/** Reads a whole list page by page, as rows of a file. */
	function rowsOf(name, search, links) {
		const read = readerOf(name);
		return async (after) => {
			const args = { after, limit: PAGE, sort: name === ONLY_IN_PLEX ? "item" : "scene" };
			const { items, scenes = [] } = await read(args, search);
			const known = await findScenes(scenes.map((state) => state.scene));
			const rows = items
				? items.map((item) => [item.rating_key, item.file, links.plex(item.rating_key)])
				: scenes.map((state) => fileRow(state, known[state.scene], links));
			return { rows, last: rows.length ? rows[rows.length - 1][0] : after };
		};
	}

	const HEAD = ["Scene", "Title", "State", "Why", "Since", "File", "In Stash", "In Plex"];
	const FILE_HEAD = ["Item", "File", "In Plex"];

	function fileRow(state, scene, links) {
		const [target] = state.targets;
		return [
			state.scene,
			sceneTitle(state.scene, scene),
			state.words,
			state.detail,
			state.since ? new Date(state.since * 1000).toISOString() : "",
			state.path,
			new URL(`scenes/${state.scene}`, document.baseURI).href,
			target ? links.plex(target.rating_key) : "",
		];
	}

	function save(parts, name) {
		const href = URL.createObjectURL(new Blob(parts, { type: "text/csv;charset=utf-8" }));
		const link = Object.assign(document.createElement("a"), { href, download: name });
		link.click();
		setTimeout(() => URL.revokeObjectURL(href), 60e3);
	}

	/** Makes a file of the whole list, a page at a time, so that the browser stays usable. */
	function CsvButton({ name, search, total, links }) {
		const [done, setDone] = useState(-1);
		const [, act] = useAct();
		const alive = useAlive();
		const wanted = useRef(true);
		const make = () =>
			act("csv", async () => {
				wanted.current = true;
				setDone(0);
				try {
					const head = name === ONLY_IN_PLEX ? FILE_HEAD : HEAD;
					const parts = await collect(head, rowsOf(name, search, links), (count) => {
						if (alive()) setDone(count);
						return alive() && wanted.current;
					});
					if (parts) save(parts, `plexsync-${name}.csv`);
				} finally {
					if (alive()) setDone(-1);
				}
			});
		if (!total) return null;
		if (done < 0) return h(Button, { size: "sm", variant: "secondary", onClick: make }, "Save as CSV");
		const stop = () => {
			wanted.current = false;
		};
		return h(
			Fragment,
			null,
			h(Busy, null, `${number(done)} of ${number(total)}`),
			h(Button, { size: "sm", variant: "secondary", onClick: stop }, "Stop"),
		);
	}

	function sceneRow(state, offered, ways) {
		const { scenes, links, busy, dialogs } = ways;
		const { scene: id, dead_letter: deadLetter, job } = state;
		const scene = scenes[id];
		const title = sceneTitle(id, scene);
		const target = state.targets[0];
		const candidates = (deadLetter && deadLetter.candidates) || [];
		const button = (label, onClick, variant) =>
			h(RowButton, { key: label, label, title, busy, onClick, variant });
		const offers = {
			sync: () => button("Sync now", () => dialogs.sync(id)),
			retry: () => deadLetter && button("Retry", () => ways.retry(id)),
			overwrite: () => button("Overwrite", () => ways.overwrite([id])),
			undo: () => undoable(state) && button("Undo", () => ways.undo(id)),
			pin: () =>
				state.can_pin &&
				button(
					"Pin",
					() => dialogs.open({ kind: "pin", id, title, candidates, linkOf: links.plex }),
					"primary",
				),
			preview: () => button("Preview", () => dialogs.open({ kind: "preview", id, title })),
		};
		const actions = h(
			"div",
			{ className: "plexsync-actions" },
			offered.split(" ").map((name) => name && h(Fragment, { key: name }, offers[name]())),
			h(RowLinks, { id, scene, plex: target ? links.plex(target.rating_key) : "" }),
		);
		const cells = [h(Cover, { scene }), h(SceneName, { id, scene })];
		if (state.state === "unknown") return { scene: id, cells: [...cells, actions] };
		const failed = deadLetter || (job && job.last_error ? job : null);
		return {
			scene: id,
			cells: [
				...cells,
				h(
					Why,
					{
						error: failed ? failed.error || failed.last_error : "",
						tone: state.tone,
						words: failed ? failed.class_words : state.words,
						message: state.detail,
					},
					deadLetter &&
						h(Candidates, { candidates, paths: deadLetter.paths || [], linkOf: links.plex }),
				),
				state.since ? h(Time, { at: state.since }) : "",
				actions,
			],
		};
	}

	function fileOf(item, links) {
		return {
			scene: item.rating_key,
			cells: [
				h("span", { className: "plexsync-message" }, item.file || `Item ${item.rating_key}`),
				h(
					"div",
					{ className: "plexsync-actions" },
					h(PlexLink, { href: links.plex(item.rating_key), label: true }),
				),
			],
		};
	}

	/** What the rows' buttons do, and the questions that they ask first. */
	function useWays(act, refresh) {
		const [asked, ask] = useState(null);
		const dialogs = useDialogs(act, refresh);
		const run = (key, text, mode, args) =>
			act(key, async (wanted) => {
				ask(null);
				const answer = await command(mode, args, wanted);
				refresh();
				return text || (answer && undoneWords(answer, args.scene));
			});
		return {
			dialogs,
			retry: (scene) =>
				run("retry", "The scene is tried again; it leaves this list when it is in step.", "retry", { scene }),
			overwrite: (ids) =>
				ask({
					title: "Overwrite edits made in Plex?",
					text: `What was changed in Plex of ${counted(ids.length, "scene")} is replaced by what Stash has.`,
					button: `Overwrite ${counted(ids.length, "scene")}`,
					onYes: () => run("overwrite", "Overwritten.", "sync", { scenes: ids, overwrite: true }),
				}),
			undo: (scene) =>
				ask({
					title: "Restore what Plex had?",
					text: "What PlexSync wrote of this scene would be restored to what Plex had before; changes made in Plex since then are kept.",
					button: "Restore",
					onYes: () => run("undo", "", "undo", { scene }),
				}),
			question: asked && h(Confirm, { ...asked, onNo: () => ask(null) }),
		};
	}

	/** What can be done with all rows of a page, or with the whole list. */
	function ListButtons({ name, ids, ways, act, refresh, busy, tasks, startTask }) {
		const button = (label, onClick, disabled) =>
			h(Button, { size: "sm", variant: "secondary", disabled: Boolean(disabled), onClick }, label);
		if (!ids.length) return null;
		if (name === NOT_SEEN)
			return button(TASKS.sync_all, () => startTask("sync_all"), tasks.running);
		if (name === "needs_you")
			return h(
				Link,
				{ to: `${ADDRESS}?view=dead-letters`, className: "btn btn-secondary btn-sm" },
				"Retry or clear all ...",
			);
		if (name === "edited_in_plex")
			return button(`Overwrite these ${ids.length} ...`, () => ways.overwrite(ids), busy);
		if (!BY_PAGE.includes(name)) return null;
		const sync = () =>
			act("sync page", async (wanted) => {
				const answer = await command("sync", { scenes: ids }, wanted);
				refresh();
				return answer && `${counted(answer.queued, "scene")} synced now.`;
			});
		return button(`Sync these ${ids.length}`, sync, busy);
	}

	function Choices({ counts, name }) {
		return h(
			"nav",
			{ className: "plexsync-choices", "aria-label": "Lists of scenes" },
			Object.keys(LISTS)
				.filter((each) => each === name || each === "in_step" || counts[each])
				.map((each) =>
					h(
						Link,
						{
							key: each,
							to: addressOf(each),
							className: `btn btn-sm btn-${each === name ? "primary" : "secondary"}`,
							"aria-current": each === name ? "page" : undefined,
						},
						LISTS[each][0],
						" ",
						counts[each] !== undefined && h(Badge, { pill: true, variant: "light" }, number(counts[each])),
					),
				),
		);
	}

	function List({ name, status, counts, changed, tasks, startTask }) {
		const [title, about, empty, offered] = LISTS[name];
		const read = useMemo(() => {
			const page = readerOf(name);
			return (mode, args, search) => page(args, search);
		}, [name]);
		const revision = name === NOT_SEEN ? "" : JSON.stringify([status.states, status.only_in_plex]);
		const files = name === ONLY_IN_PLEX;
		const table = useTable("scenes_in_state", files ? "file" : "scene", revision, read);
		const { data } = table;
		const states = (data && data.scenes) || [];
		const ids = states.map((state) => state.scene);
		const scenes = useScenes(ids);
		const { server } = data && data.server !== undefined ? data : { server: "" };
		const linkOf = usePlexLinks(server);
		const links = useMemo(() => ({ plex: linkOf }), [linkOf]);
		const [busy, act] = useAct();
		const refresh = useCallback(() => {
			table.again();
			changed();
		}, [table.again, changed]);
		const ways = useWays(act, refresh);
		const { search } = table.request;
		const found = FOUND.includes(name);
		const at = found ? foundAt(status, name) : 0;
		const columns = files ? FILE_COLUMNS : name === NOT_SEEN ? UNSEEN_COLUMNS : COLUMNS;
		return h(
			Fragment,
			null,
			h("p", null, about),
			found &&
				h(
					"p",
					{ className: "plexsync-dim" },
					at
						? `As found by the reconciliation of ${clockTime(at)}.`
						: "Not known yet: Reconcile on the overview finds them.",
				),
			h(
				TableTools,
				{ table, hint: files ? "Part of the path" : undefined },
				h(ListButtons, { name, ids, ways, act, refresh, busy, tasks, startTask }),
				h(CsvButton, { name, search, total: data ? data.total : 0, links }),
			),
			h(Listing, {
				table,
				name: title,
				columns,
				rows: files
					? ((data && data.items) || []).map((item) => fileOf(item, links))
					: states.map((state) => sceneRow(state, offered, { ...ways, scenes, links, busy })),
				none: "Nothing in this list matches.",
				empty,
			}),
			ways.dialogs.dialog,
			ways.question,
		);
	}

	function ScenesView({ status, inStash, changed, tasks, startTask }) {
		const { search } = useLocation();
		const named = new URLSearchParams(search).get("state");
		const name = LISTS[named] ? named : "in_step";
		const counts = numbers(status, inStash);
		if (!counts) return null;
		return h(
			"div",
			{ className: "plexsync-list" },
			h(Choices, { counts, name }),
			h(List, { key: name, name, status, changed, tasks, startTask }),
		);
	}

	PlexSync.lists = { ScenesView, Standing };
})();
