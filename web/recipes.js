/*
 * The view "What is written": a pattern for each field of Plex, which scenes are synced, and presets.
 * The results for a few scenes follow while the user types; nothing is saved before "Save".
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi } = PlexSync.core;
	const { catalog } = PlexSync;
	const {
		Fragment,
		useCallback,
		useEffect,
		useRef,
		useState,
		createElement: h,
	} = PlexSync.core.React;
	const { Badge, Button, Form } = PlexSync.core.Bootstrap;
	const { number, counted, sceneTitle, quotedName } = PlexSync.format;
	const { command, query, sentence } = PlexSync.api;
	const { useAlive, useOnce } = PlexSync.polling;
	const { useScenes, useAct, useDraft, Discard, Busy, Note, Problem, Box, Confirm } = PlexSync.widgets;

	/** The settings that this view edits besides the patterns, in the order of their rows. */
	const CHOICES = [
		"sync_only",
		"sync_never",
		"ignore_tags",
		"poster_from",
		"background_from",
		"collection_sort",
	].filter((key) => catalog.settings[key]);
	const KEYS = [...catalog.recipes.map((each) => each.key), ...CHOICES];
	const CHOICE_ROWS = CHOICES.map((key) => {
		const { label, means, default: usual } = catalog.settings[key];
		return { key, label, means, default: usual === "empty" ? "" : usual };
	});

	const TYPING = 400; // milliseconds between the last keystroke and the request for results
	const SAMPLES = 5;

	/** For each kind that the picker finds: Stash's query, its list of rows, and Stash's own select. */
	const KINDS = {
		tag: ["findTags", "tags", "TagSelect"],
		studio: ["findStudios", "studios", "StudioSelect"],
		performer: ["findPerformers", "performers", "PerformerSelect"],
		group: ["findGroups", "groups", "GroupSelect"],
	};

	function findNames(kind, text) {
		const [list, rows] = KINDS[kind];
		const asked = `query PlexSyncNames($q: String!) {
      ${list}(filter: { q: $q, per_page: 20, sort: "name" }) { ${rows} { id name } }
    }`;
		return query(asked, { q: text }).then((answer) => answer[list][rows]);
	}

	/** The settings of this view as texts; "" for one that is not set. */
	function textsOf(settings) {
		return Object.fromEntries(KEYS.map((key) => [key, String(settings[key] || "")]));
	}

	/** The draft's results for the sample scenes; requested whenever the user pauses typing. */
	function useResults(draft, samples) {
		const [state, setState] = useState({ found: null, error: "", busy: true });
		const turn = useRef(0);
		const alive = useAlive();
		useEffect(() => {
			if (!draft) return undefined;
			turn.current += 1;
			const mine = turn.current;
			const wanted = () => alive() && mine === turn.current;
			setState((old) => ({ ...old, busy: true }));
			const timer = setTimeout(async () => {
				const args = samples.length ? { settings: draft, scenes: samples } : { settings: draft };
				try {
					const found = await command("try_recipes", args, wanted);
					if (found && wanted()) setState({ found, error: "", busy: false });
				} catch (problem) {
					if (wanted()) setState((old) => ({ ...old, error: sentence(problem), busy: false }));
				}
			}, TYPING);
			return () => clearTimeout(timer);
		}, [draft, samples]);
		return state;
	}

	/** A value as one line, and whether it is dimmed: a text, or the names of a list. */
	function valueLine(value) {
		if (value === undefined || value === null) return ["not written", true];
		const text = Array.isArray(value) ? value.join(" · ") : String(value);
		return text ? [text, false] : ["empty", true];
	}

	function Results({ label, field, scenes }) {
		const lines = scenes.map((each) =>
			each.left_out ? ["left out", true] : valueLine(each.values[field]),
		);
		if (lines.length && lines.every(([text, dim]) => dim && text === lines[0][0])) {
			return h("p", { className: "plexsync-dim plexsync-push" }, lines[0][0]);
		}
		return h(
			"ol",
			{ className: "plexsync-results", "aria-label": `${label}: results` },
			lines.map(([text, dim], place) =>
				h(
					"li",
					{ key: scenes[place].scene, className: dim ? "plexsync-dim" : "", title: text },
					h("bdi", null, text),
				),
			),
		);
	}

	function PatternRow({ row, draft, saved, off, problem, scenes, onType, onFocus }) {
		const id = `plexsync-pattern-${row.key}`;
		const text = draft[row.key];
		const differs = text !== (saved[row.key] || "");
		return h(
			"div",
			{ className: "plexsync-pattern", "data-key": row.key },
			h(
				"div",
				{ className: "plexsync-pattern-head" },
				h("label", { htmlFor: id }, row.label),
				differs && h(Badge, { variant: "warning" }, "changed"),
				text &&
					h(
						Button,
						{
							size: "sm",
							variant: "link",
							"aria-label": `${row.label}: default`,
							onClick: () => onType(row.key, ""),
						},
						"Default",
					),
			),
			h(Form.Control, {
				id,
				size: "sm",
				className: "text-input",
				value: text,
				placeholder: row.default || "not written",
				isInvalid: Boolean(problem),
				spellCheck: false,
				autoComplete: "off",
				"aria-describedby": problem ? `${id}-problem` : undefined,
				onFocus: (event) => onFocus(row.key, event.target),
				onChange: (event) => onType(row.key, event.target.value),
			}),
			row.means && h("div", { className: "plexsync-dim" }, row.means),
			off && h("div", { className: "plexsync-dim" }, `Not written while "${off}" is on.`),
			problem && h("div", { id: `${id}-problem`, className: "plexsync-remedy", role: "alert" }, problem),
			row.field && scenes && h(Results, { label: row.label, field: row.field, scenes }),
		);
	}

	/** Finds a tag, studio, performer or group by name, and inserts it at the cursor. */
	function NamePicker({ onPick }) {
		const [kind, setKind] = useState("tag");
		const [text, setText] = useState("");
		const ask = useCallback(() => (text ? findNames(kind, text) : []), [kind, text]);
		const found = useOnce(ask) || [];
		const Select = PluginApi.components && PluginApi.components[KINDS[kind][2]];
		const pick = (name) => {
			onPick(`{${kind}:${quotedName(name)}}`);
			setText("");
		};
		return h(
			"div",
			{ className: "plexsync-picker" },
			h(
				Form.Control,
				{
					as: "select",
					size: "sm",
					"aria-label": "Kind",
					value: kind,
					onChange: (event) => setKind(event.target.value),
				},
				Object.keys(KINDS).map((each) => h("option", { key: each, value: each }, each)),
			),
			typeof Select === "function"
				? h(Select, {
						key: kind,
						values: [],
						isMulti: false,
						creatable: false,
						onSelect: (items) => items.length && pick(items[0].name),
					})
				: h(
						Fragment,
						null,
						h(Form.Control, {
							size: "sm",
							className: "text-input",
							"aria-label": `Name of a ${kind}`,
							placeholder: "Find by name",
							list: "plexsync-names",
							value: text,
							onChange: (event) => setText(event.target.value),
						}),
						h(
							"datalist",
							{ id: "plexsync-names" },
							found.map((each) => h("option", { key: each.id, value: each.name })),
						),
						h(
							Button,
							{ size: "sm", variant: "secondary", disabled: !text.trim(), onClick: () => pick(text.trim()) },
							"Insert",
						),
					),
		);
	}

	function Help({ onPick }) {
		return h(
			Box,
			{ title: "Placeholders" },
			h(
				"p",
				{ className: "plexsync-dim" },
				"Press one to insert it at the cursor. A part in [ ] is left out when a placeholder in it is empty; {a|b} prints the first of the two that is not empty; {{ and [[ print a brace and a bracket. In lists, ; separates entries, and an entry is repeated for each value of its placeholder.",
			),
			h(NamePicker, { onPick }),
			h(
				"ul",
				{ className: "plexsync-placeholders" },
				Object.entries(catalog.placeholders).map(([text, means]) =>
					h(
						"li",
						{ key: text },
						h(Button, { size: "sm", variant: "secondary", onClick: () => onPick(text) }, text),
						h("span", null, means),
					),
				),
			),
		);
	}

	const EMPTY = Object.fromEntries(catalog.recipes.map((each) => [each.key, ""]));

	function Presets({ draft, onChoose }) {
		return h(
			"div",
			{ className: "plexsync-presets", role: "group", "aria-label": "Presets" },
			catalog.presets.map((each) => {
				const settings = { ...EMPTY, ...each.settings };
				const on = Object.entries(settings).every(([key, text]) => (draft[key] || "") === text);
				return h(
					Button,
					{
						key: each.key,
						size: "sm",
						variant: on ? "primary" : "secondary",
						"aria-pressed": on,
						title: each.means,
						onClick: () => onChoose(settings),
					},
					each.name,
				);
			}),
		);
	}

	/** The scenes whose results are shown: those updated last, or those whose numbers were entered. */
	function Samples({ scenes, names, onChoose }) {
		const [typed, setTyped] = useState("");
		const submit = (event) => {
			event.preventDefault();
			const ids = [...new Set(typed.match(/\d{1,15}/g) || [])].map(Number).filter(Boolean);
			onChoose(ids.slice(0, SAMPLES));
		};
		return h(
			Box,
			{ title: "Results are shown for" },
			h(
				"ol",
				{ className: "plexsync-samples", "aria-label": "Sample scenes" },
				scenes.map((each) =>
					h(
						"li",
						{ key: each.scene },
						h("bdi", null, sceneTitle(each.scene, names[each.scene])),
						" ",
						h("span", { className: "plexsync-dim" }, `#${each.scene}`),
						each.left_out && h(Badge, { variant: "secondary" }, `left out: ${each.left_out}`),
					),
				),
			),
			h(
				"form",
				{ onSubmit: submit, className: "plexsync-picker" },
				h(Form.Control, {
					size: "sm",
					className: "text-input",
					"aria-label": "Numbers of sample scenes",
					placeholder: "12, 13, 14",
					value: typed,
					onChange: (event) => setTyped(event.target.value),
				}),
				h(Button, { type: "submit", size: "sm", variant: "secondary" }, "Show these"),
			),
		);
	}

	/** "This changes 412 of 14 210 scenes", and how many would be left out. */
	function countWords(count) {
		const words = [
			count.changed
				? `This changes ${number(count.changed)} of ${counted(count.scenes, "scene")}.`
				: `This changes none of ${counted(count.scenes, "scene")}.`,
		];
		if (count.left_out) words.push(`${counted(count.left_out, "scene")} would be left out.`);
		if (count.newly_left_out) {
			words.push(`Of these ${number(count.newly_left_out)} are synced today: they keep what Plex has.`);
		}
		return words.join(" ");
	}

	/** With `onward` it is a step of the set-up, which saving or "Continue" leads on from. */
	function RecipesView({ tasks, changed: tellPage, onward }) {
		const edit = useDraft(textsOf);
		const { settings, saved, setSaved, draft, setDraft, changes, problem } = edit;
		const [samples, setSamples] = useState([]);
		const [asking, setAsking] = useState(false);
		const [count, setCount] = useState(null);
		const [busy, act] = useAct();
		const field = useRef(null);
		const counting = useRef(null); // the draft that is being counted; the user may go on typing

		const { found, error, busy: working } = useResults(draft, samples);
		const scenes = found ? found.scenes : [];
		const names = useScenes(scenes.map((each) => each.scene));
		const problems = (found && found.problems) || {};
		const unreadable = changes.some((key) => problems[key]);
		const current = count && count.of === draft ? count : null;

		const running = tasks.running && tasks.running.mode === "count_changes";
		const { result } = tasks;
		useEffect(() => {
			const ended = result && result.mode === "count_changes" && result.report;
			if (ended && ended.state === "done") setCount({ ...ended.output, of: counting.current });
		}, [result]);

		const type = useCallback((key, text) => setDraft((old) => ({ ...old, [key]: text })), []);
		const focus = useCallback((key, input) => {
			field.current = { key, input };
		}, []);
		const insert = (text) => {
			const { key, input } = field.current || { key: "title", input: null };
			const at = input ? input.selectionStart : draft[key].length;
			type(key, draft[key].slice(0, at) + text + draft[key].slice(input ? input.selectionEnd : at));
			if (input) input.focus();
		};
		const countNow = () =>
			act("count", () => {
				counting.current = draft;
				return tasks.start("count_changes", { settings: draft });
			});
		const save = () =>
			act("save", async (wanted) => {
				const entered = Object.fromEntries(changes.map((key) => [key, draft[key]]));
				const answer = await command("save_settings", { settings: entered }, wanted);
				if (!answer || !wanted()) return "";
				setAsking(false);
				setSaved(draft);
				tellPage();
				if (onward) await onward();
				return answer.text;
			});

		if (!draft) {
			return problem
				? h(Problem, { text: problem })
				: h(Busy, null, "Reading what is written ...");
		}
		const row = (each, results) =>
			h(PatternRow, {
				key: each.key,
				row: each,
				draft,
				saved,
				off: settings[each.switch] === true ? catalog.settings[each.switch].label : "",
				problem: problems[each.key],
				scenes: results ? scenes : null,
				onType: type,
				onFocus: focus,
			});
		return h(
			"div",
			null,
			h(
				"div",
				{ className: "plexsync-tools" },
				h(Presets, {
					draft,
					onChoose: (preset) => setDraft((old) => ({ ...old, ...preset })),
				}),
				h("span", { className: "plexsync-push" }),
				working && h(Busy, null, "Computing the results ..."),
				h(Discard, { of: edit, busy }),
				h(
					Button,
					{
						variant: "secondary",
						disabled: !changes.length || Boolean(busy || tasks.running) || unreadable,
						onClick: countNow,
					},
					running ? h(Busy, null, "Counting ...") : "Count the changes",
				),
				h(
					Button,
					{
						disabled: !changes.length || Boolean(busy) || unreadable,
						variant: onward && !changes.length ? "secondary" : "primary",
						onClick: () => setAsking(true),
					},
					"Save ...",
				),
				onward &&
					!changes.length &&
					h(Button, { disabled: Boolean(busy), onClick: () => act("on", onward) }, "Continue"),
			),
			current && h(Note, { tone: "ok" }, countWords(current)),
			h(Problem, { text: error }),
			h(
				"div",
				{ className: "plexsync-columns" },
				h(
					"div",
					null,
					h(Box, { title: "Fields in Plex" }, catalog.recipes.map((each) => row(each, true))),
					h(Box, { title: "Which scenes, tags and pictures" }, CHOICE_ROWS.map((each) => row(each, false))),
				),
				h(
					"div",
					null,
					h(Samples, { scenes, names, onChoose: setSamples }),
					h(Help, { onPick: insert }),
				),
			),
			asking &&
				h(Confirm, {
					title: "Save what is written?",
					text: `${
						current
							? countWords(current)
							: "The changed scenes have not been counted."
					} Every scene whose result changes is written again automatically.`,
					button: "Save",
					busy: Boolean(busy),
					onYes: save,
					onNo: () => setAsking(false),
				}),
		);
	}

	PlexSync.recipes = { RecipesView };
})();
