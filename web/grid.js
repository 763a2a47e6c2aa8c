/*
 * Stash's grid of scenes: a button for the selected ones, and a mark on each card if the settings ask
 * for it.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, untilVisible } = PlexSync.core;
	const { Fragment, useEffect, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { counted } = PlexSync.format;
	const { command, operation, plexSettings } = PlexSync.api;
	const { useOnce } = PlexSync.polling;
	const { useAct, Guard, Mark } = PlexSync.widgets;

	const MOST_SYNCED = 1000; // scenes of one command
	const MOST_ASKED = 200; // scenes of one request
	const GATHERING = 50; // milliseconds in which the cards of a page come to ask

	/** Stash builds its menu of operations itself and lets nobody add to it; so this stands above. */
	function Selection({ ids }) {
		const [busy, act] = useAct();
		const sync = () =>
			act("sync", async (wanted) => {
				for (let start = 0; start < ids.length; start += MOST_SYNCED) {
					await command("sync", { scenes: ids.slice(start, start + MOST_SYNCED) }, wanted);
				}
				return `${counted(ids.length, "scene")} synced to Plex now.`;
			});
		return h(
			"div",
			{ className: "plexsync plexsync-selection", role: "group", "aria-label": "PlexSync" },
			h(
				Button,
				{ size: "sm", variant: "secondary", disabled: Boolean(busy), onClick: sync },
				`Sync ${counted(ids.length, "selected scene")} to Plex`,
			),
		);
	}

	function withSelection(...given) {
		const [{ selectedIds }] = given;
		const list = given[given.length - 1];
		const ids = [...(selectedIds || [])].map(Number);
		const bar = ids.length ? h(Guard, { quiet: true }, h(Selection, { ids })) : null;
		return h(Fragment, null, bar, list); // always alike, or React would build the grid anew
	}

	const asking = new Map(); // id -> what wants its state
	let timer = 0;

	/** One request for all cards that have come to ask, once somebody sees them. */
	async function askAll() {
		await untilVisible();
		timer = 0;
		const wanted = [...asking];
		asking.clear();
		for (let start = 0; start < wanted.length; start += MOST_ASKED) {
			const some = wanted.slice(start, start + MOST_ASKED);
			try {
				const { scenes } = await operation("scene_state", { scenes: some.map(([id]) => id) });
				scenes.forEach((state, place) => some[place][1].forEach((listener) => listener(state)));
			} catch (problem) {
				// PlexSync's own page says what is wrong; a card without a mark says nothing.
			}
		}
	}

	function useCardState(id) {
		const [state, setState] = useState(null);
		useEffect(() => {
			const others = asking.get(id) || new Set();
			asking.set(id, others.add(setState));
			timer = timer || setTimeout(askAll, GATHERING);
			return () => others.delete(setState);
		}, [id]);
		return state;
	}

	function CardState({ id }) {
		const state = useCardState(id);
		if (!state || state.tone === "none") return null;
		const words = `Plex: ${state.words}`;
		return h("div", { className: "plexsync plexsync-card", title: words }, h(Mark, { tone: state.tone }));
	}

	function CardMark({ id }) {
		const settings = useOnce(plexSettings);
		return settings && settings.marksCards ? h(CardState, { id }) : null;
	}

	function withMark(...given) {
		const [{ scene }] = given;
		const overlays = given[given.length - 1];
		const id = scene && Number(scene.id);
		if (!id) return overlays;
		return h(Fragment, null, overlays, h(Guard, { quiet: true }, h(CardMark, { id })));
	}

	PluginApi.patch.after("SceneList", withSelection);
	PluginApi.patch.after("SceneCard.Overlays", withMark);
})();
