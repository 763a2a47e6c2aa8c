/*
 * The line on a scene's own page in Stash.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, EVERY } = PlexSync.core;
	const { Fragment, useCallback, useMemo, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { counted, ahead, clockTime, sceneTitle } = PlexSync.format;
	const { operation, command } = PlexSync.api;
	const { usePolling } = PlexSync.polling;
	const { usePlexLinks, useAct, useStashsLanguage, Guard, Mark, Busy, PlexLink, Confirm } = PlexSync.widgets;
	const { undoable, undoneWords, useDialogs } = PlexSync.rows;

	/** A scene's state as [tone, words]. */
	function sceneWords(state, away) {
		const { job, dead_letter: deadLetter } = state;
		const since = state.since ? ` since ${clockTime(state.since)}` : "";
		if (state.state === "waiting" && job) {
			if (job.running) return ["warn", "being synced now"];
			if (away) return ["warn", "waiting until Plex is healthy again"];
			const left = job.not_before - Date.now() / 1000;
			const why = job.last_message ? `: ${job.last_message}` : "";
			if (left < 1) return ["warn", `waiting for its turn${why}`];
			const at = left < 60 ? "" : ` at ${clockTime(job.not_before)},`;
			return ["warn", `${why ? "tried again" : "synced"}${at} ${ahead(job.not_before)}${why}`];
		}
		const candidates = (deadLetter && deadLetter.candidates) || [];
		const more = {
			synced: `${since}${state.detail ? `; ${state.detail}` : ""}`,
			undone: since,
			ambiguous: candidates.length ? `: ${counted(candidates.length, "item")} could be it` : "",
			"not in Plex": "",
			"edited in Plex": `: ${state.edited.join(", ")}`,
		}[state.state];
		const detail = state.detail ? `: ${state.detail}` : "";
		return [state.tone, `${state.words}${more === undefined ? detail : more}`];
	}

	const SETTLING = 12; // seconds after a save in which the worker may not have noticed it yet

	function UndoConfirm({ state, busy, onYes, onNo }) {
		const fields = [...new Set(state.targets.flatMap((target) => target.written))];
		return h(Confirm, {
			title: "Restore what Plex had?",
			text: `${counted(fields.length, "field")} that PlexSync wrote (${fields.join(", ")}) would be restored; changes made in Plex since then are kept. The scene is then only synced when it is edited in Stash or by Sync now.`,
			button: `Restore ${counted(fields.length, "field")}`,
			busy,
			onYes,
			onNo,
		});
	}

	function SceneLine({ id, scene }) {
		useStashsLanguage();
		const updated = scene.updated_at;
		const title = sceneTitle(id, { title: scene.title, files: scene.files || [] });

		const began = useMemo(() => Date.now(), [id, updated]);
		const ask = useCallback(async () => {
			const { server, away, scenes } = await operation("scene_state", { scenes: [id] });
			return { ...scenes[0], server, away };
		}, [id, updated]);
		const pause = (state) => (state.job || Date.now() - began < SETTLING * 1000 ? EVERY.scene : 0);
		const { data: state, error, again } = usePolling(ask, pause);
		const linkOf = usePlexLinks(state && state.server);
		const [busy, act] = useAct();
		const dialogs = useDialogs(act, again);
		const [asking, setAsking] = useState(false);
		const undo = () =>
			act("undo", async (wanted) => {
				const answer = await command("undo", { scene: id }, wanted);
				if (wanted()) setAsking(false);
				again();
				return answer && undoneWords(answer, id);
			});
		if (error && !state)
			return h("div", { className: "plexsync plexsync-scene" }, h("span", null, `Plex: ${error}`));
		if (!state)
			return h("div", { className: "plexsync plexsync-scene" }, h(Busy, null, "Plex ..."));
		const [tone, words] = sceneWords(state, state.away);
		const target = state.targets[0];
		const candidates = (state.dead_letter && state.dead_letter.candidates) || [];
		const button = (label, onClick, variant) =>
			h(
				Button,
				{ size: "sm", variant: variant || "secondary", disabled: Boolean(busy), onClick },
				label,
			);
		return h(
			"section",
			{
				className: "plexsync plexsync-scene",
				"aria-label": "PlexSync",
				"data-plexsync": "scene-line",
			},
			tone !== "none" && h(Mark, { tone }),
			h(
				"span",
				{ className: "plexsync-scene-words", role: "status", title: words },
				`Plex: ${words}`,
			),
			h(
				"span",
				{ className: "plexsync-actions" },
				state.can_pin &&
					button(
						"Pin",
						() => dialogs.open({ kind: "pin", id, title, candidates, linkOf }),
						"primary",
					),
				button("Sync now", () => dialogs.sync(id)),
				button("Preview", () => dialogs.open({ kind: "preview", id, title })),
				undoable(state) && button("Undo", () => setAsking(true)),
				h(PlexLink, { href: target ? linkOf(target.rating_key) : "", label: true }),
			),
			dialogs.dialog,
			asking &&
				h(UndoConfirm, { state, busy: Boolean(busy), onYes: undo, onNo: () => setAsking(false) }),
		);
	}

	function withSceneLine(props) {
		const id = props.scene && Number(props.scene.id);
		if (!id) return [props];
		const line = h(SceneLine, { key: id, id, scene: props.scene });
		return [
			{ ...props, children: h(Fragment, null, h(Guard, { quiet: true }, line), props.children) },
		];
	}

	PluginApi.patch.before("ScenePage.TabContent", withSceneLine);
})();
