/*
 * The view Overview: tiles for each part, the buttons, the timeline and the log.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { TASKS } = PlexSync.core;
	const { Fragment, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { number, counted, duration, ahead, clockTime, milliseconds, capital } = PlexSync.format;
	const { Time, Note, Box, Confirm, Menu } = PlexSync.widgets;
	const { History } = PlexSync.timeline;
	const { Backfills } = PlexSync.backfill;
	const { Standing } = PlexSync.lists;
	const { Texts } = PlexSync.tasks;

	const RECONCILIATIONS = [
		["reconcile_all", "All scenes"],
		["reconcile_7days", "Last 7 days"],
		["reconcile_24h", "Last 24 hours"],
		["reconcile_missing", "Missing metadata only"],
	];

	const GAPS = PlexSync.catalog.gaps;

	const SCOPES = {
		all: "all scenes",
		"24h": "the last 24 hours",
		"7days": "the last 7 days",
		since: "around an outage",
	};

	function Tile({ title, tone, value, children }) {
		return h(
			"div",
			{ className: `plexsync-tile plexsync-tone-${tone || "none"}` },
			h("dt", null, title),
			h("dd", { className: "plexsync-value" }, value),
			h("dd", { className: "plexsync-dim" }, children),
		);
	}

	function PlexTile({ status, health }) {
		const { checks } = status;
		const last = health && health.state === "done" ? health.output : null;
		const newest = last && (!checks.last || health.ended_at >= checks.last) ? last : null;
		let tone = "ok";
		let value = "Healthy";
		if (status.headline.state === "not set up") [tone, value] = ["none", "Not set up"];
		else if (status.trouble) [tone, value] = ["bad", status.trouble.title];
		else if (newest && newest.state !== "healthy")
			[tone, value] = ["bad", newest.title || capital(newest.state)];
		else if (!newest && !status.statistics.last) [tone, value] = ["none", "Not probed yet"];
		return h(
			Tile,
			{ title: "Plex", tone, value },
			status.trouble
				? `${capital(status.trouble.words)}.`
				: last
					? h(
							Fragment,
							null,
							`Answered in ${milliseconds(last.latency)}, `,
							h(Time, { at: health.ended_at }),
							".",
						)
					: "Press Health Check to measure its latency.",
			checks.next && ` Next probe ${ahead(checks.next, status.now)}.`,
		);
	}

	function BreakerTile({ status }) {
		const { state, since, failures, reason, retry_at: retryAt } = status.breaker;
		const names = { CLOSED: "Closed", OPEN: "Open", HALF_OPEN: "Half open" };
		const tones = { CLOSED: "ok", OPEN: "bad", HALF_OPEN: "warn" };
		const closed = state === "CLOSED" && !failures;
		if (closed && status.headline.state === "not set up")
			return h(
				Tile,
				{ title: "Circuit breaker", tone: "none", value: "Not used yet" },
				"No job goes to Plex before PlexSync is set up.",
			);
		return h(
			Tile,
			{ title: "Circuit breaker", tone: tones[state], value: names[state] || state },
			closed
				? "Jobs go to Plex."
				: h(
						Fragment,
						null,
						since && h(Fragment, null, "Since ", h(Time, { at: since }, clockTime(since)), ": "),
						reason || counted(failures, "failure"),
						retryAt && `. Next try ${ahead(retryAt, status.now)}.`,
					),
		);
	}

	function WorkerTile({ status }) {
		const { worker, queue } = status;
		const due = queue ? queue.due + queue.running + status.inbox : status.inbox;
		if (worker)
			return h(
				Tile,
				{ title: "Worker", tone: "ok", value: "Alive" },
				"It is working in the background.",
			);
		if (worker === null)
			return h(
				Tile,
				{ title: "Worker", tone: "warn", value: "Unknown" },
				"Unknown on this disk.",
			);
		if (due) {
			return h(
				Tile,
				{ title: "Worker", tone: "warn", value: "Asleep" },
				`${counted(due, "scene")} could be synced: press Process Queue.`,
			);
		}
		return h(
			Tile,
			{ title: "Worker", tone: "ok", value: "Asleep" },
			"Nothing is due; the next save wakes it.",
		);
	}

	function QueueTile({ status }) {
		const { queue, inbox, backfills } = status;
		if (!queue) return h(Tile, { title: "Queue", tone: "bad", value: "Unreadable" }, "See below.");
		const waiting = queue.pending + inbox;
		return h(
			Tile,
			{ title: "Queue", tone: "none", value: `${number(waiting)} waiting` },
			waiting ? queueWords(status) : backfills.length ? "A backfill adds more." : "Nothing waits.",
		);
	}

	function untilWhen(trouble) {
		return trouble.settings ? "the settings are right" : "Plex is healthy again";
	}

	function queueWords(status) {
		const { estimate, next_due: due } = status.queue;
		const work =
			estimate < 1 ? "less than a second of work" : `about ${duration(estimate)} of work`;
		if (status.trouble) return `They continue when ${untilWhen(status.trouble)}: ${work}.`;
		return due ? `The next is tried ${ahead(due, status.now)}; ${work}.` : `${capital(work)}.`;
	}

	function RateTile({ status }) {
		const { ramping, rate, ends_at: endsAt, recoveries, last } = status.recovery;
		if (ramping) {
			return h(
				Tile,
				{ title: "Rate", tone: "warn", value: `${rate.toFixed(1)} writes/s` },
				"Ramp after an outage: full speed at ",
				h(Time, { at: endsAt }, clockTime(endsAt)),
				".",
			);
		}
		if (status.trouble) {
			return h(
				Tile,
				{ title: "Rate", tone: "none", value: "Held" },
				`Nothing is written until ${untilWhen(status.trouble)}.`,
			);
		}
		return h(
			Tile,
			{ title: "Rate", tone: "none", value: "Full speed" },
			recoveries
				? h(
						Fragment,
						null,
						`Plex came back ${recoveries === 1 ? "once" : `${number(recoveries)} times`}, last `,
						h(Time, { at: last }),
						".",
					)
				: "No outage so far.",
		);
	}

	function ReconcileTile({ status }) {
		const kept = status.reconcile || {};
		const running = Object.values(kept.runs || {})[0];
		const run = running || kept.last;
		if (!run)
			return h(
				Tile,
				{ title: "Last reconciliation", tone: "none", value: "Never" },
				"Press Reconcile to compare all scenes.",
			);
		const gaps = Object.entries((run.tally && run.tally.found) || {}).filter((pair) => pair[1]);
		const found =
			gaps.map(([kind, count]) => `${number(count)} ${GAPS[kind] || kind}`).join(", ") || "no gaps";
		const scope = SCOPES[run.order && run.order.scope] || "";
		return h(
			Tile,
			{
				title: "Last reconciliation",
				tone: running ? "warn" : "none",
				value: running ? "Under way" : h(Time, { at: run.started }),
			},
			`${capital(scope)}: ${counted(run.checked, "scene")} compared, ${found}.`,
		);
	}

	function Tiles({ status, health }) {
		return h(
			"dl",
			{ className: "plexsync-tiles" },
			h(PlexTile, { status, health }),
			h(BreakerTile, { status }),
			h(WorkerTile, { status }),
			h(QueueTile, { status }),
			h(RateTile, { status }),
			h(ReconcileTile, { status }),
		);
	}

	function Buttons({ tasks, startTask }) {
		const disabled = Boolean(tasks.running);
		const button = (mode, variant) =>
			h(Button, { key: mode, variant, disabled, onClick: () => startTask(mode) }, TASKS[mode]);
		return h(
			"div",
			{ className: "plexsync-buttons", role: "group", "aria-label": "Tasks" },
			button("process_queue", "primary"),
			button("health_check", "secondary"),
			h(Menu, {
				id: "plexsync-reconcile",
				label: "Reconcile",
				disabled,
				choices: RECONCILIATIONS,
				onPick: startTask,
			}),
			button("recover_outage_jobs", "secondary"),
		);
	}

	/** The scenes that the filters leave out, with a button that undoes those written before. */
	function LeftOut({ status, tasks, startTask }) {
		const [asking, setAsking] = useState(false);
		const { scenes, written, why } = status.left_out || { scenes: 0 };
		if (!scenes) return null;
		const reasons = Object.entries(why).map(([words, count]) => `${words} (${number(count)})`);
		const undo = () => {
			setAsking(false);
			startTask("undo_left_out", { confirmed: "true" });
		};
		return h(
			Box,
			{ title: `${counted(scenes, "scene")} left out by the filters` },
			h("p", null, `Conditions: ${reasons.join(", ")}.`),
			written > 0 &&
				h(
					"p",
					null,
					`${number(written)} of them ${written === 1 ? "has" : "have"} values in Plex that PlexSync wrote before. `,
					h(
						Button,
						{
							size: "sm",
							variant: "secondary",
							disabled: Boolean(tasks.running),
							onClick: () => setAsking(true),
						},
						`Undo the ${counted(written, "scene")} left out ...`,
					),
				),
			asking &&
				h(Confirm, {
					title: "Restore what Plex had?",
					text: `What PlexSync wrote of ${counted(written, "scene")} that the filters leave out would be restored to what Plex had before; changes made in Plex since then are kept. These scenes are synced again as soon as the filters let them in.`,
					button: `Undo ${counted(written, "scene")}`,
					onYes: undo,
					onNo: () => setAsking(false),
				}),
		);
	}

	function OverviewView({ status, inStash, health, tasks, startTask, changed }) {
		if (!status) return null;
		const outages = `${status.outages && status.outages.count} ${status.outages && status.outages.ongoing}`;
		return h(
			Fragment,
			null,
			h(Buttons, { tasks, startTask }),
			h(Tiles, { status, health }),
			h(Backfills, { status, changed }),
			h(Standing, { status, inStash }),
			h(LeftOut, { status, tasks, startTask }),
			status.problems.map((problem) => h(Note, { key: problem, tone: "warn" }, problem)),
			h(History, { revision: outages }),
			h(Texts),
			status.log.length > 0 &&
				h(
					"details",
					{ className: "plexsync-more plexsync-log" },
					h("summary", null, "The worker's last log lines"),
					h("pre", null, status.log.join("\n")),
				),
		);
	}

	PlexSync.overview = { OverviewView };
})();
