/*
 * The backfills on the overview: how far each is, how long the rest takes; pause, resume, stop.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { number, counted, clockTime, stopWords } = PlexSync.format;
	const { command } = PlexSync.api;
	const { useAct, Bar, Box, Confirm, Menu } = PlexSync.widgets;

	const PAUSES = [
		["in an hour", "For an hour"],
		["tomorrow", "Until tomorrow, 6:00"],
		["resumed", "Until I resume it"],
	];

	function words({ done, total, rate, left_words: left, waits, until }) {
		const clock = until ? `until ${clockTime(until)}` : "until you resume it";
		const wait = { paused: `Paused ${clock}. `, "quiet hours": `Waits ${clock} (quiet hours). `, plex: "Waits for Plex. " };
		const all = total === null ? "" : ` of ${number(total)}`;
		const pace = rate === null ? "" : `, ${number(rate)} a minute`;
		return `${number(done)}${all} scenes done${pace}. ${wait[waits] || ""}Time left: ${left}.`;
	}

	function Backfill({ backfill, disabled, send, onStop }) {
		const { backfill: name, words: title, done, total } = backfill;
		const button = (label, onClick) =>
			h(Button, { size: "sm", variant: "secondary", disabled, onClick }, label);
		return h(
			"li",
			{ "aria-label": title },
			title,
			h(Bar, { name: title, share: Math.floor((100 * done) / (total || Infinity)) }),
			h("p", { className: "plexsync-dim" }, words(backfill)),
			h(
				"div",
				{ className: "plexsync-buttons" },
				backfill.waits === "paused"
					? button("Resume", () => send("resume_backfill", name))
					: h(Menu, {
							id: `plexsync-pause-${name}`,
							label: "Pause",
							size: "sm",
							disabled,
							choices: PAUSES,
							onPick: (until) => send("pause_backfill", name, { until }),
						}),
				button("Stop ...", () => onStop(backfill)),
			),
		);
	}

	/** All that are under way. */
	function Backfills({ status, changed }) {
		const [busy, act] = useAct();
		const [stopping, setStopping] = useState(null);
		if (!status.backfills.length) return null;
		const send = (mode, backfill, more) =>
			act(mode, async (wanted) => {
				const answer = await command(mode, { backfill, ...more }, wanted);
				if (wanted()) setStopping(null);
				changed();
				return answer && answer.scenes && `${counted(answer.scenes, "scene")} removed.`;
			});
		return h(
			Box,
			{ title: "Backfills" },
			h(
				"ul",
				{ className: "plexsync-lines" },
				status.backfills.map((backfill) =>
					h(Backfill, { key: backfill.words, backfill, disabled: Boolean(busy), send, onStop: setStopping }),
				),
			),
			stopping &&
				h(Confirm, {
					title: `Stop "${stopping.words}"?`,
					text: stopWords(stopping),
					button: "Stop it",
					busy: Boolean(busy),
					onYes: () => send("stop_backfill", stopping.backfill),
					onNo: () => setStopping(null),
				}),
		);
	}

	PlexSync.backfill = { Backfills };
})();
