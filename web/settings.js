/*
 * The view "Settings": all settings in groups, with what they mean; only changed ones are saved.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, PLUGIN, ADDRESS, GUIDE, TASKS } = PlexSync.core;
	const { Link } = PlexSync.core.Router;
	const { catalog } = PlexSync;
	const { Fragment, useState, createElement: h } = PlexSync.core.React;
	const { Badge, Button, Form } = PlexSync.core.Bootstrap;
	const { counted, readSettings, writeSettings } = PlexSync.format;
	const { command, forgetSettings, sentence } = PlexSync.api;
	const { useAct, useDraft, Discard, Guard, Busy, Note, Problem, Box } = PlexSync.widgets;

	/** The value of a setting that was never entered. */
	function nothing(setting) {
		return setting.kind === "switch" ? false : "";
	}

	/** Stash's values as the form edits them: booleans for switches, texts for all others. */
	function shownOf(settings) {
		const entries = Object.entries(catalog.settings).map(([key, setting]) => {
			const value = settings[key];
			if (setting.kind === "switch" || setting.secret) return [key, value === true];
			return [key, value === undefined || value === null ? "" : String(value)];
		});
		return Object.fromEntries(entries);
	}

	/** A value of the form as Stash stores it. What is not a number stays text, which PlexSync rejects. */
	function keptOf(key, value) {
		const number = catalog.settings[key].kind === "number" && /^-?\d{1,9}$/.test(value.trim());
		return number ? Number(value) : value;
	}

	function fits(key, words) {
		const setting = catalog.settings[key];
		const text = `${key} ${setting.label} ${setting.means}`.toLowerCase();
		return words.every((word) => text.includes(word));
	}

	function Control({ id, setting, value, onChange }) {
		const common = { id, size: "sm", value, onChange: (event) => onChange(event.target.value) };
		if (setting.kind === "switch") {
			return h(Form.Check, {
				id,
				type: "switch",
				label: value ? "on" : "off",
				checked: value,
				onChange: (event) => onChange(event.target.checked),
			});
		}
		if (setting.kind === "choice") {
			return h(
				Form.Control,
				{ ...common, as: "select" },
				h("option", { value: "" }, `default: ${setting.default}`),
				setting.choices.map((word) => h("option", { key: word, value: word }, word)),
			);
		}
		const number = setting.kind === "number";
		return h(Form.Control, {
			...common,
			className: "text-input",
			inputMode: number ? "numeric" : undefined,
			placeholder: setting.default === "empty" ? "" : setting.default,
			spellCheck: false,
			autoComplete: "off",
		});
	}

	function SettingRow({ name, value, saved, onChange }) {
		const setting = catalog.settings[name];
		const id = `plexsync-setting-${name}`;
		const unit = setting.unit ? ` ${setting.unit}` : "";
		const range =
			setting.kind === "number" ? `${unit}. Allowed: ${setting.low} to ${setting.high}${unit}.` : ".";
		return h(
			"div",
			{ className: "plexsync-pattern", "data-key": name },
			h(
				"div",
				{ className: "plexsync-pattern-head" },
				h("label", { htmlFor: id }, setting.label),
				value !== saved
					? h(Badge, { variant: "warning" }, "not saved")
					: value !== nothing(setting) && h(Badge, { variant: "secondary" }, "changed"),
				value !== nothing(setting) &&
					h(
						Button,
						{
							size: "sm",
							variant: "link",
							"aria-label": `${setting.label}: default`,
							onClick: () => onChange(nothing(setting)),
						},
						"Default",
					),
			),
			h(Control, { id, setting, value, onChange }),
			h(
				"div",
				{ className: "plexsync-dim" },
				`${setting.means} Default: ${setting.default}${range} `,
				h("code", null, name),
			),
		);
	}

	/** A secret setting: whether it is set, and where it is entered; its value never gets here. */
	function SecretRow({ name, set, children }) {
		const setting = catalog.settings[name];
		return h(
			"div",
			{ className: "plexsync-pattern", "data-key": name },
			h(
				"div",
				{ className: "plexsync-pattern-head" },
				h("strong", null, setting.label),
				h(Badge, { variant: set ? "success" : "secondary" }, set ? "set" : "not set"),
				children,
			),
			h(
				"div",
				{ className: "plexsync-dim" },
				`Entered in ${GUIDE}: it never reaches this page. ${setting.means} `,
				h("code", null, name),
			),
		);
	}

	function TestButton({ tasks, startTask }) {
		const onClick = () => startTask("test_message");
		const shown = { size: "sm", variant: "secondary", disabled: Boolean(tasks.running), onClick };
		return h(Button, shown, TASKS.test_message);
	}

	/** Exports all settings but the secret ones as a file, and imports such a file. */
	function Exchange({ shown, onImport }) {
		const [problem, setProblem] = useState("");
		const address = `data:application/json,${encodeURIComponent(writeSettings(shown, catalog.settings))}`;
		const read = async (event) => {
			const [file] = event.target.files;
			event.target.value = "";
			if (!file) return;
			try {
				onImport(readSettings(await file.text(), catalog.settings));
				setProblem("");
			} catch (trouble) {
				setProblem(sentence(trouble));
			}
		};
		return h(
			Box,
			{ title: "Export and import" },
			h(
				"p",
				{ className: "plexsync-dim" },
				"The file holds every setting but the secret ones. Import fills in the form above; Save stores it.",
			),
			h(
				"div",
				{ className: "plexsync-picker" },
				h(
					"a",
					{ className: "btn btn-secondary btn-sm", href: address, download: "plexsync-settings.json" },
					"Export",
				),
				h("input", {
					type: "file",
					accept: ".json,application/json",
					"aria-label": "Settings to import",
					onChange: read,
				}),
			),
			h(Problem, { text: problem }),
		);
	}

	function SettingsView({ changed: tellPage, tasks, startTask }) {
		const edit = useDraft(shownOf);
		const { saved, setSaved, draft, setDraft, changes, problem } = edit;
		const [search, setSearch] = useState("");
		const [refused, setRefused] = useState("");
		const [done, setDone] = useState("");
		const [busy, act] = useAct();

		if (!draft) return problem ? h(Problem, { text: problem }) : h(Busy, null, "Reading the settings ...");
		const words = search.toLowerCase().split(/\s+/).filter(Boolean);
		const change = (key, value) => {
			setDone("");
			setDraft((old) => ({ ...old, [key]: value }));
		};
		const save = () =>
			act("save", async (wanted) => {
				setRefused("");
				const settings = Object.fromEntries(changes.map((key) => [key, keptOf(key, draft[key])]));
				try {
					const answer = await command("save_settings", { settings }, wanted);
					if (!answer || !wanted()) return;
					setSaved(draft);
					setDone(answer.text);
					forgetSettings();
					tellPage();
				} catch (trouble) {
					if (wanted()) setRefused(sentence(trouble));
				}
			});
		const reset = () =>
			setDraft((old) => {
				const usual = Object.entries(catalog.settings)
					.filter(([key, { secret }]) => !secret && key !== "plex_url" && key !== "path_map")
					.map(([key, each]) => [key, nothing(each)]);
				return { ...old, ...Object.fromEntries(usual) };
			});
		const groups = catalog.groups
			.map(({ name, keys }) => [name, keys.filter((key) => fits(key, words))])
			.filter(([, keys]) => keys.length);
		return h(
			"div",
			null,
			h(
				"div",
				{ className: "plexsync-tools" },
				h(Form.Control, {
					size: "sm",
					type: "search",
					className: "text-input plexsync-search",
					"aria-label": "Search the settings",
					placeholder: "Search",
					value: search,
					onChange: (event) => setSearch(event.target.value),
				}),
				h(
					"span",
					{ className: "plexsync-push plexsync-dim", role: "status" },
					changes.length ? `${counted(changes.length, "setting")} changed, not saved` : "",
				),
				h(
					Button,
					{ variant: "secondary", disabled: Boolean(busy), onClick: reset },
					"All to default",
				),
				h(Discard, { of: edit, busy }),
				h(
					Button,
					{ disabled: !changes.length || Boolean(busy), onClick: save },
					busy ? h(Busy, null, "Saving ...") : "Save",
				),
			),
			h(Problem, { text: refused }),
			done && h(Note, { tone: "ok" }, done),
			groups.map(([name, keys]) =>
				h(
					Box,
					{ key: name, title: name },
					keys.map((key) =>
						catalog.settings[key].secret
							? h(
									SecretRow,
									{ key, name: key, set: saved[key] },
									key === "notify_urls" && saved[key] && h(TestButton, { tasks, startTask }),
								)
							: h(SettingRow, {
									key,
									name: key,
									value: draft[key],
									saved: saved[key],
									onChange: (value) => change(key, value),
								}),
					),
				),
			),
			!groups.length && h("p", null, "No setting matches."),
			h(
				"p",
				{ className: "plexsync-dim" },
				'"All to default" keeps Plex URL, Path map and what is secret.',
			),
			h(Exchange, { shown: draft, onImport: (found) => setDraft((old) => ({ ...old, ...found })) }),
		);
	}

	/** Stash's own form has only the settings that everybody needs: above it, the way to all of them. */
	function withTheWay(props, ...more) {
		const form = more.pop();
		if (props.pluginID !== PLUGIN) return form;
		const to = `${ADDRESS}?view=settings`;
		const way = h(
			"p",
			{ className: "plexsync setting" },
			h(Link, { to }, "All settings of PlexSync"),
			", with a search and checks, are on its own page.",
		);
		return h(Fragment, null, h(Guard, { quiet: true }, way), form);
	}

	PluginApi.patch.after("PluginSettings", withTheWay);

	PlexSync.settings = { SettingsView };
})();
