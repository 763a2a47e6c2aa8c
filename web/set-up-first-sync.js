/*
 * The set-up's last step: what the first sync would do, how long it takes, and how to begin.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { ADDRESS } = PlexSync.core;
	const { Fragment, useEffect, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { Link } = PlexSync.core.Router;
	const { number, counted, roughly } = PlexSync.format;
	const { command } = PlexSync.api;
	const { useAct, useScenes, Busy, Note } = PlexSync.widgets;
	const { PlanCard } = PlexSync.preview;
	const { finishStep, useStart } = PlexSync.survey;

	/** What the dry pass counts, in the order of the list. */
	const VERDICTS = [
		["differs", "in Plex, with other values: these are written"],
		["equal", "in Plex, with the same values"],
		["missing", "not in Plex: they are written once Plex has their file"],
		["left_out", "left out by the filters"],
		["too_little", "with too little metadata: nothing to write"],
		["shared", "whose item belongs to another scene"],
		["unsure", "that could be several items: they need you"],
		["unread", "that could not be read, see Stash's log"],
	];

	function Counts({ pass }) {
		const shown = VERDICTS.filter(([key]) => pass.counts[key] || key === "differs");
		return h(
			"dl",
			{ className: "plexsync-counts", "aria-label": "What the first sync would do" },
			shown.map(([key, words]) =>
				h(
					Fragment,
					{ key },
					h("dt", null, number(pass.counts[key] || 0)),
					h("dd", null, words),
				),
			),
			pass.orphaned > 0 &&
				h(
					Fragment,
					null,
					h("dt", null, number(pass.orphaned)),
					h("dd", null, "items only in Plex: PlexSync leaves them alone"),
				),
		);
	}

	function Estimate({ pass }) {
		const { seconds, assumed } = pass.estimate;
		const writes = pass.counts.differs || 0;
		if (!writes) return h("p", null, "Nothing differs, so there is nothing to bring in step.");
		return h(
			"p",
			null,
			`Bringing all in step takes ${seconds < 60 ? "less than a minute" : `about ${roughly(seconds)}`}, in the background and behind every save. `,
			assumed
				? "How long Plex needs for a write is an assumption here, made from how fast it answers now."
				: "This is what writing took so far.",
		);
	}

	/** How far the dry pass is, or how to start it. */
	function PassState({ pass, tasks, startTask }) {
		const running = tasks.running && tasks.running.mode === "first_sync";
		const seen = pass && !pass.done ? ` ${number(pass.checked)} of ${counted(pass.total, "scene")}.` : "";
		if (running) {
			return h(
				"div",
				null,
				h(Busy, null, `Comparing every scene with Plex; nothing is written.${seen}`),
				" It can be stopped, and continues where it was.",
			);
		}
		const again = pass && pass.estimate;
		return h(
			"p",
			{ className: "plexsync-dim" },
			again ? `${counted(pass.checked, "scene")} compared. ` : seen && `Stopped after${seen} `,
			h(
				Button,
				{
					size: "sm",
					variant: "link",
					disabled: Boolean(tasks.running),
					onClick: () => startTask("first_sync"),
				},
				again ? "Compare again" : "Compare every scene with Plex",
			),
		);
	}

	/** Twenty scenes, or fewer, as they would be written. */
	function Twenty({ found, changed }) {
		const [busy, act] = useAct();
		const [queued, setQueued] = useState(false);
		const plans = found.scenes;
		const scenes = useScenes(plans.map((plan) => plan.scene));
		const differing = plans.filter((plan) => plan.outcome === "changes").map((plan) => plan.scene);
		const sync = () =>
			act("sync", async (wanted) => {
				await command("sync", { scenes: differing }, wanted);
				if (wanted()) setQueued(true);
				changed();
				return `${counted(differing.length, "scene")} queued: Plex has them in a moment.`;
			});
		return h(
			Fragment,
			null,
			h(
				"ul",
				{ className: "plexsync-plans", "aria-label": "Scenes shown first" },
				plans.map((plan) => h(PlanCard, { key: plan.scene, plan, scene: scenes[plan.scene] })),
			),
			differing.length > 0 &&
				h(
					Button,
					{ variant: "secondary", disabled: Boolean(busy) || queued, onClick: sync },
					`Sync these ${number(differing.length)} only`,
				),
		);
	}

	function FirstSync({ state, changed, tasks, startTask }) {
		const { dry_pass: pass, choice } = state;
		const [busy, act] = useAct();
		const [twenty, setTwenty] = useState(null);
		useStart(!pass && !choice, "first_sync", tasks, startTask);
		useEffect(() => {
			if (tasks.result) changed();
		}, [tasks.result]);
		const passing = tasks.running && tasks.running.mode === "first_sync" ? tasks.running : null;
		const others = Boolean(tasks.running) && !passing;
		const choose = (picked, task) =>
			act(picked, async () => {
				await finishStep("first-sync", { choice: picked });
				if (passing) await tasks.stop(passing.id);
				if (task) startTask(task);
				changed();
			});
		const show = () =>
			act("show", async (wanted) => {
				const named = pass && pass.examples.length ? { scenes: pass.examples } : { scope: "recent" };
				const found = await command("preview", { ...named, forced: true }, wanted);
				if (found && wanted()) setTwenty({ ...found, scenes: found.scenes.slice(0, 20) });
			});
		const button = (picked, text, onClick, variant) =>
			h(
				Button,
				{ variant: variant || "secondary", disabled: Boolean(busy) || others, onClick },
				busy === picked ? h(Busy, null, text) : text,
			);
		return h(
			Fragment,
			null,
			h(PassState, { pass, tasks, startTask }),
			pass && h(Counts, { pass }),
			pass && pass.estimate && h(Estimate, { pass }),
			choice &&
				h(
					Note,
					{ tone: "ok" },
					choice === "all"
						? "All scenes are brought in step in the background. "
						: "Only what is saved from now on is written. ",
					h(Link, { to: ADDRESS }, "Overview"),
				),
			h(
				"div",
				{ className: "plexsync-buttons", role: "group", "aria-label": "How to begin" },
				button("all", "Bring all in step", () => choose("all", "sync_all"), "primary"),
				button("now_on", "Only from now on", () => choose("now_on")),
				button("show", "Show me 20 first", show),
			),
			twenty && h(Twenty, { found: twenty, changed }),
		);
	}

	PlexSync.setUpSteps.push({
		key: "first-sync",
		title: "First sync",
		done: (state) => state.done.includes("first-sync"),
		View: FirstSync,
	});
})();
