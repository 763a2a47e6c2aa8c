/*
 * Shared by the tables of the queue and of dead letters: sorting, paging, searching.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const {
		Fragment,
		useCallback,
		useEffect,
		useRef,
		useState,
		createElement: h,
	} = PlexSync.core.React;
	const { Button, Form } = PlexSync.core.Bootstrap;
	const { number } = PlexSync.format;
	const { MOST_FOUND, operation, searchScenes } = PlexSync.api;
	const { usePolling } = PlexSync.polling;
	const { Icon, Note, Problem } = PlexSync.widgets;

	const ROWS = 25;

	const DESCENDING = /^newest$|_desc$/;

	function SortHead({ column, sort, onSort }) {
		const at = column.sorts ? column.sorts.indexOf(sort) : -1;
		const direction = at < 0 ? "none" : DESCENDING.test(sort) ? "descending" : "ascending";
		if (!column.sorts) {
			const label = column.hidden
				? h("span", { className: "sr-only" }, column.label)
				: column.label;
			return h("th", { role: "columnheader", scope: "col" }, label);
		}
		const next = column.sorts[(at + 1) % column.sorts.length];
		return h(
			"th",
			{ role: "columnheader", scope: "col", "aria-sort": direction },
			h(
				"button",
				{ type: "button", className: "plexsync-sort", onClick: () => onSort(next) },
				column.label,
				at >= 0 && h(Icon, { name: direction === "descending" ? "down" : "up" }),
			),
		);
	}

	/** A table that becomes a list of cards on narrow screens. */
	function DataTable({ name, columns, rows, sort, onSort, busy, empty }) {
		return h(
			Fragment,
			null,
			h(
				"table",
				{
					className: "plexsync-table plexsync-cards",
					role: "table",
					"aria-label": name,
					"aria-busy": busy,
				},
				h(
					"thead",
					{ role: "rowgroup" },
					h(
						"tr",
						{ role: "row" },
						columns.map((column) => h(SortHead, { key: column.label, column, sort, onSort })),
					),
				),
				h(
					"tbody",
					{ role: "rowgroup" },
					rows.map((row) =>
						h(
							"tr",
							{ key: row.scene, role: "row", "data-scene": row.scene },
							row.cells.map((cell, place) =>
								h(
									"td",
									{
										key: place,
										role: "cell",
										"data-label": columns[place].hidden ? "" : columns[place].label,
									},
									cell,
								),
							),
						),
					),
				),
			),
			!rows.length && h("p", { className: "plexsync-empty" }, busy ? "Loading ..." : empty),
		);
	}

	function Pager({ total, offset, onPage: show }) {
		const nav = useRef(null);
		if (total <= ROWS && !offset) return null;
		const last = Math.min(total, offset + ROWS);
		const onPage = (first) => {
			show(first);
			const table = nav.current && nav.current.parentNode;
			if (table && table.scrollIntoView) table.scrollIntoView({ block: "start" });
		};
		const button = (label, text, disabled, first) =>
			h(
				Button,
				{
					size: "sm",
					variant: "secondary",
					"aria-label": label,
					disabled,
					onClick: () => onPage(first),
				},
				text,
			);
		return h(
			"nav",
			{ ref: nav, className: "plexsync-pager", "aria-label": "Pages" },
			button("First page", "«", !offset, 0),
			button("Previous page", "‹ Previous", !offset, Math.max(0, offset - ROWS)),
			h(
				"span",
				{ "aria-live": "polite" },
				`${number(offset + 1)}–${number(last)} of ${number(total)}`,
			),
			button("Next page", "Next ›", last >= total, offset + ROWS),
		);
	}

	/** The search box: the input takes effect half a second after the last key. */
	function Search({ onSearch, hint = "Title or number" }) {
		const [text, setText] = useState("");
		const first = useRef(true);
		useEffect(() => {
			if (first.current) {
				first.current = false;
				return undefined;
			}
			const timer = setTimeout(() => onSearch(text.trim()), 500);
			return () => clearTimeout(timer);
		}, [text]);
		return h(Form.Control, {
			type: "search",
			size: "sm",
			className: "text-input plexsync-search",
			placeholder: hint,
			"aria-label": hint,
			value: text,
			onChange: (event) => setText(event.target.value),
		});
	}

	/** The number of rows of a class, or of all. */
	function countOf(classes, error) {
		const chosen = error ? classes.filter((each) => each.class === error) : classes;
		return chosen.reduce((sum, each) => sum + each.count, 0);
	}

	/** A class in words; its name if it has no rows. */
	function wordsOf(classes, error) {
		const found = classes.find((each) => each.class === error);
		return found ? found.words : error;
	}

	function ClassFilter({ classes, value, onChange }) {
		const gone = value && !classes.some((each) => each.class === value);
		const listed = gone ? [...classes, { class: value, words: value, count: 0 }] : classes;
		return h(
			Form.Control,
			{
				as: "select",
				size: "sm",
				className: "btn-secondary plexsync-select",
				"aria-label": "Class",
				value,
				onChange: (event) => onChange(event.target.value),
			},
			h("option", { value: "" }, "All reasons"),
			listed.map((each) =>
				h(
					"option",
					{ key: each.class, value: each.class },
					`${each.words} (${number(each.count)})`,
				),
			),
		);
	}

	/** Reads a page of an operation's rows; Stash does the search, and names the scenes. */
	async function readPage(mode, args, search) {
		if (!search) return operation(mode, args);
		const { ids, more } = await searchScenes(search);
		if (!ids.length) return { ...(await operation(mode, { ...args, limit: 1 })), ...NOTHING };
		return { ...(await operation(mode, { ...args, scenes: ids })), tooMany: more };
	}

	/**
	 * A page of a table from the server. `revision` changes when the data there has changed.
	 * Filters and order are arguments of the operation, so that ten thousand rows cost no more;
	 * `read` (stable) replaces the operation. It is busy until the requested page is shown.
	 */
	function useTable(mode, firstSort, revision, read = readPage) {
		const [request, setRequest] = useState({ offset: 0, error: "", sort: firstSort, search: "" });
		const change = useCallback((more) => setRequest((old) => ({ ...old, offset: 0, ...more })), []);
		const ask = useCallback(async () => {
			const args = { offset: request.offset, limit: ROWS, sort: request.sort };
			if (request.error) args.class = request.error;
			return { ...(await read(mode, args, request.search)), request };
		}, [mode, read, request, revision]);
		const { data, error, again } = usePolling(ask, 0);
		const busy = !error && (!data || data.request !== request);
		const total = data ? data.total : 0;
		useEffect(() => {
			// The rows of the last page may be done by now.
			if (!busy && request.offset && request.offset >= total) change({});
		}, [busy, total]);
		return { data, error, again, busy, request, change };
	}

	const NOTHING = { total: 0, dead_letters: [], jobs: [], scenes: [], tooMany: false };

	/** Above a table: search, `classes` to choose from if there are any, buttons. */
	function TableTools({ table, classes, hint, children }) {
		return h(
			"div",
			{ className: "plexsync-tools", role: "search" },
			h(Search, { hint, onSearch: (search) => table.change({ search }) }),
			classes && h(ClassFilter, {
				classes,
				value: table.request.error,
				onChange: (error) => table.change({ error }),
			}),
			h("div", { className: "plexsync-push" }),
			children,
		);
	}

	/**
	 * A table of `useTable`: its error, its rows and its pages; children stand above the rows. Without
	 * rows it says `none` if they are filtered, `empty` if there are none at all.
	 */
	function Listing({ table, name, columns, rows, empty, none, children }) {
		const { data, busy, request, change } = table;
		return h(
			Fragment,
			null,
			h(Problem, { text: table.error, again: table.again }),
			data &&
				data.tooMany &&
				h(
					Note,
					{ tone: "warn" },
					`More than ${MOST_FOUND} scenes in Stash match; only the first of them are shown.`,
				),
			children,
			h(DataTable, {
				name,
				columns,
				rows,
				sort: request.sort,
				onSort: (sort) => change({ sort }),
				busy,
				empty: request.error || request.search ? none : empty,
			}),
			h(Pager, {
				total: data ? data.total : 0,
				offset: request.offset,
				onPage: (offset) => change({ offset }),
			}),
		);
	}

	PlexSync.tables = {
		Listing,
		TableTools,
		countOf,
		readPage,
		useTable,
		wordsOf,
	};
})();
