/*
 * What a sync would change, field by field, and the dialogs that show it or pin a scene.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { Fragment, useEffect, useState, createElement: h } = PlexSync.core.React;
	const { Button, Form } = PlexSync.core.Bootstrap;
	const { counted, capital } = PlexSync.format;
	const { command, sentence } = PlexSync.api;
	const { useAlive } = PlexSync.polling;
	const { Busy, Problem, PlexLink, Dialog } = PlexSync.widgets;

	/** One side of a diff; of lists, what the other side lacks is marked. */
	function Value({ value, other, kind }) {
		if (Array.isArray(value)) {
			if (!value.length) return h("span", { className: "plexsync-dim" }, "empty");
			const lacks = (name) => !(Array.isArray(other) && other.includes(name));
			return value.map((name, place) =>
				h(
					"span",
					{ key: place, className: `plexsync-name ${lacks(name) ? kind : ""}` },
					String(name),
				),
			);
		}
		if (value === "" || value === null || value === undefined) {
			return h("span", { className: "plexsync-dim" }, "empty");
		}
		return h("span", { className: kind }, String(value));
	}

	function FieldRow({ field }) {
		const picture = field.now === "" && field.then === "";
		const cell = (label, value, other, kind) =>
			h("td", { role: "cell", "data-label": label }, h(Value, { value, other, kind }));
		return h(
			"tr",
			{ role: "row", className: field.changes ? "" : "plexsync-same" },
			h("th", { role: "rowheader", scope: "row" }, field.field),
			picture
				? h("td", { role: "cell", colSpan: 2 }, field.changes ? "another picture" : "as it is")
				: cell("In Plex", field.now, field.then, field.changes ? "plexsync-gone" : ""),
			picture ? null : cell("Would be", field.then, field.now, field.changes ? "plexsync-new" : ""),
			h("td", { role: "cell", "data-label": "Why", className: "plexsync-dim" }, field.why),
		);
	}

	/** What a sync would do to one Plex item. */
	function Diff({ item }) {
		const heads = ["Field", "In Plex", "Would be", "Why"];
		return h(
			"div",
			{ className: "plexsync-diff" },
			h("div", { className: "plexsync-path" }, item.part),
			h(
				"table",
				{ className: "plexsync-table", role: "table", "aria-label": `Changes of ${item.part}` },
				h(
					"thead",
					{ role: "rowgroup" },
					h(
						"tr",
						{ role: "row" },
						heads.map((head) => h("th", { key: head, role: "columnheader", scope: "col" }, head)),
					),
				),
				h(
					"tbody",
					{ role: "rowgroup" },
					item.fields.map((field) => h(FieldRow, { key: field.field, field })),
				),
			),
		);
	}

	function itemsWithFields(plan) {
		return plan.items.filter((item) => item.fields.length);
	}

	function Plan({ plan }) {
		return h(
			Fragment,
			null,
			h("p", null, `${capital(plan.words)}${plan.detail ? `: ${plan.detail}` : "."}`),
			itemsWithFields(plan).map((item) => h(Diff, { key: item.rating_key, item })),
		);
	}

	/** What a sync of one scene would change, before anything is written. */
	function PreviewDialog({ id, title, onClose, onSync }) {
		const wanted = useAlive();
		const [found, setFound] = useState({ plan: null, error: "" });
		useEffect(() => {
			command("preview", { scenes: [id], forced: true }, wanted)
				.then((answer) => answer && setFound({ plan: answer.scenes[0], error: "" }))
				.catch((problem) => wanted() && setFound({ plan: null, error: sentence(problem) }));
		}, [id]);
		const { plan, error } = found;
		const changes = plan && plan.outcome === "changes";
		const footer = h(
			Fragment,
			null,
			h(Button, { variant: "secondary", onClick: onClose }, "Close"),
			changes && h(Button, { onClick: onSync }, "Sync now"),
		);
		return h(
			Dialog,
			{ title: `Preview of ${title}`, onClose, footer },
			error ? h(Problem, { text: error }) : !plan ? h(Busy, null, "Comparing with Plex ...") : null,
			plan && h(Plan, { plan }),
		);
	}

	function fileSize({ size }) {
		return size ? counted(size, "byte") : "size unknown";
	}

	/** Name the Plex item of a scene: one of the candidates, or the path of its file. */
	function PinDialog({ id, title, candidates, linkOf, onClose, onPin }) {
		const choices = candidates.filter((each) => each.rating_key);
		const [chosen, setChosen] = useState(choices.length ? 0 : -1);
		const [path, setPath] = useState("");
		const choice = choices[chosen];
		const pin = choice ? { part: choice.part, rating_key: choice.rating_key } : { part: path.trim() };
		const submit = (event) => {
			event.preventDefault();
			if (pin.part) onPin({ scene: id, ...pin });
		};
		const radio = (place, label, more) =>
			h(
				"div",
				{ key: place, className: "plexsync-choice" },
				h(Form.Check, {
					type: "radio",
					name: "plexsync-pin",
					id: `plexsync-pin-${place}`,
					label,
					checked: chosen === place,
					onChange: () => setChosen(place),
				}),
				more,
			);
		return h(
			Dialog,
			{ title: `Which Plex item is ${title}?`, onClose },
			h(
				"form",
				{ onSubmit: submit },
				choices.map((each, place) =>
					radio(place, `${each.part} (${fileSize(each)})`, h(PlexLink, { href: linkOf(each.rating_key) })),
				),
				radio(-1, "The item that holds this file:"),
				h(Form.Control, {
					"aria-label": "Path of the item's file, as Plex sees it",
					placeholder: "/movies/a.mp4",
					className: "text-input",
					value: path,
					onFocus: () => setChosen(-1),
					onChange: (event) => setPath(event.target.value),
				}),
				h(
					"div",
					{ className: "plexsync-foot" },
					h(Button, { variant: "secondary", onClick: onClose }, "Cancel"),
					h(Button, { type: "submit", disabled: !pin.part }, "Pin and sync"),
				),
			),
		);
	}

	PlexSync.diff = { Diff, itemsWithFields, PreviewDialog, PinDialog };
})();
