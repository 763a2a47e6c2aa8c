/*
 * The view Preview: what a sync would change, without writing anything.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { useState, createElement: h } = PlexSync.core.React;
	const { Badge, Button, Form } = PlexSync.core.Bootstrap;
	const { number, counted, sceneTitle, capital } = PlexSync.format;
	const { command, sentence } = PlexSync.api;
	const { useScenes, useAct, Busy, Problem, Box, Cover, SceneName } = PlexSync.widgets;
	const { Diff, itemsWithFields } = PlexSync.diff;

	const PREVIEW_SCOPES = [
		["waiting", "Waiting scenes (the first 50)"],
		["recent", "The 50 most recently updated scenes"],
		["named", "These scenes:"],
	];

	/** The numbers that the user typed, 50 at most. */
	function typedIds(text) {
		return [...new Set(text.match(/\d{1,15}/g) || [])].map(Number).filter(Boolean).slice(0, 50);
	}

	function PreviewForm({ busy, onPreview }) {
		const [scope, setScope] = useState("waiting");
		const [typed, setTyped] = useState("");
		const [forced, setForced] = useState(true);
		const ids = typedIds(typed);
		const submit = (event) => {
			event.preventDefault();
			onPreview(scope === "named" ? { scenes: ids, forced } : { scope, forced });
		};
		return h(
			"form",
			{ onSubmit: submit, className: "plexsync-form" },
			h(
				"fieldset",
				null,
				h("legend", null, "Which scenes"),
				PREVIEW_SCOPES.map(([value, label]) =>
					h(Form.Check, {
						key: value,
						type: "radio",
						name: "plexsync-scope",
						id: `plexsync-scope-${value}`,
						label,
						checked: scope === value,
						onChange: () => setScope(value),
					}),
				),
				h(Form.Control, {
					size: "sm",
					className: "text-input plexsync-search",
					"aria-label": "Numbers of scenes",
					placeholder: "12, 13, 14",
					value: typed,
					onFocus: () => setScope("named"),
					onChange: (event) => setTyped(event.target.value),
				}),
			),
			h(Form.Check, {
				type: "checkbox",
				id: "plexsync-forced",
				label: "Compare with Plex itself, even scenes that were in step",
				checked: forced,
				onChange: (event) => setForced(event.target.checked),
			}),
			h(
				Button,
				{ type: "submit", disabled: busy || (scope === "named" && !ids.length) },
				busy ? h(Busy, null, "Comparing ...") : "Preview",
			),
		);
	}

	function PlanCard({ plan, scene, chosen, onChoose }) {
		const changes = plan.outcome === "changes";
		const title = sceneTitle(plan.scene, scene);
		return h(
			"li",
			{ className: "plexsync-plan", "data-scene": plan.scene },
			h(
				"div",
				{ className: "plexsync-plan-head" },
				changes &&
					onChoose &&
					h(Form.Check, {
						type: "checkbox",
						id: `plexsync-plan-${plan.scene}`,
						label: h("span", { className: "sr-only" }, `Sync ${title}`),
						checked: chosen,
						onChange: onChoose,
					}),
				h(Cover, { scene }),
				h("div", { className: "plexsync-push" }, h(SceneName, { id: plan.scene, scene })),
				h(
					Badge,
					{ variant: changes ? "primary" : "secondary" },
					capital(plan.words),
				),
			),
			plan.detail && h("p", { className: "plexsync-message" }, plan.detail),
			itemsWithFields(plan).map((item) =>
				h(Diff, { key: item.rating_key, item: onlyChanges(item) }),
			),
		);
	}

	/** Only what would change, unless nothing does. */
	function onlyChanges(item) {
		const fields = item.fields.filter((field) => field.changes);
		return fields.length ? { ...item, fields } : item;
	}

	function previewSummary(found) {
		const changes = found.counts.changes || 0;
		const fields = Object.entries(found.fields).map(([name, count]) => `${name} ${count}`);
		const of = `of ${counted(found.scenes.length, "scene")}`;
		if (!changes) return `Nothing would change: none ${of} differs from Plex.`;
		return `${number(changes)} ${of} would change (${fields.join(", ")}). Nothing is written yet.`;
	}

	function PreviewView({ changed: tellPage }) {
		const [busy, act] = useAct();
		const [found, setFound] = useState(null);
		const [error, setError] = useState("");
		const [left, setLeft] = useState(() => new Set());
		const plans = found ? found.scenes : [];
		const scenes = useScenes(plans.map((plan) => plan.scene));
		const selected = plans
			.filter((p) => p.outcome === "changes" && !left.has(p.scene))
			.map((p) => p.scene);

		const preview = (args) =>
			act("preview", async (wanted) => {
				setError("");
				try {
					const answer = await command("preview", args, wanted);
					if (!answer) return;
					setFound(answer);
					setLeft(new Set());
				} catch (problem) {
					if (wanted()) {
						setFound(null);
						setError(sentence(problem));
					}
				}
			});
		const sync = () =>
			act("sync", async (wanted) => {
				await command("sync", { scenes: selected }, wanted);
				if (wanted()) setFound(null);
				tellPage();
				return `${counted(selected.length, "scene")} queued: Plex has them in a moment.`;
			});
		const choose = (scene) =>
			setLeft((old) => {
				const next = new Set(old);
				if (!next.delete(scene)) next.add(scene);
				return next;
			});
		const shown = [
			...plans.filter((plan) => plan.outcome === "changes"),
			...plans.filter((plan) => plan.outcome !== "changes" && plan.outcome !== "in step"),
		];
		const inStep = plans.filter((plan) => plan.outcome === "in step");
		return h(
			"div",
			null,
			h(
				Box,
				{ title: "What a sync would change" },
				h(PreviewForm, { busy: busy === "preview", onPreview: preview }),
			),
			h(Problem, { text: error }),
			found &&
				h(
					"div",
					{ className: "plexsync-tools" },
					h("p", { className: "plexsync-push", role: "status" }, previewSummary(found)),
					found.counts.changes > 0 &&
						h(
							Button,
							{ disabled: !selected.length || Boolean(busy), onClick: sync },
							`Sync these ${number(selected.length)}`,
						),
				),
			h(
				"ul",
				{ className: "plexsync-plans", "aria-label": "Previewed scenes" },
				shown.map((plan) =>
					h(PlanCard, {
						key: plan.scene,
						plan,
						scene: scenes[plan.scene],
						chosen: !left.has(plan.scene),
						onChoose: () => choose(plan.scene),
					}),
				),
			),
			inStep.length > 0 &&
				h(
					"details",
					{ className: "plexsync-more" },
					h("summary", null, `${counted(inStep.length, "scene")} in step`),
					h(
						"ul",
						null,
						inStep.map((plan) =>
							h(
								"li",
								{ key: plan.scene },
								`#${plan.scene} ${sceneTitle(plan.scene, scenes[plan.scene])}`,
							),
						),
					),
				),
		);
	}

	PlexSync.preview = { PlanCard, PreviewView };
})();
