/*
 * The view Queue: what waits, why, and when it is tried next.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { Fragment, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { sumOf, counted, ahead, sceneTitle } = PlexSync.format;
	const { command } = PlexSync.api;
	const { useAct, Time, Confirm, Cover, SceneName } = PlexSync.widgets;
	const { Listing, TableTools, useTable } = PlexSync.tables;
	const { COMES_BACK, RestoreButton, RowButton, RowLinks, Why, useDialogs, useRows } =
		PlexSync.rows;

	const QUEUE_COLUMNS = [
		{ label: "Cover", hidden: true },
		{ label: "Scene", sorts: ["scene", "scene_desc"] },
		{ label: "Why", sorts: ["class", "class_desc"] },
		{ label: "Since", sorts: ["newest", "oldest"] },
		{ label: "Next try", sorts: ["due"] },
		{ label: "Actions", hidden: true },
	];

	function nextTry(job, away) {
		if (job.running) return "now";
		if (away) return "when Plex is back";
		if (job.not_before <= Date.now() / 1000) return "in its turn";
		return h(Time, { at: job.not_before }, ahead(job.not_before));
	}

	function queueRow(job, rows, dialogs, busy, away) {
		const scene = rows.scenes[job.scene];
		const title = sceneTitle(job.scene, scene);
		const tries = sumOf(job.attempts);
		const button = (label, onClick) => h(RowButton, { label, title, busy, onClick });
		return {
			scene: job.scene,
			cells: [
				h(Cover, { scene }),
				h(SceneName, { id: job.scene, scene }),
				h(Why, {
					error: job.last_error,
					tone: job.class_tone,
					words: job.class_words,
					message: job.last_message || job.reason_words,
				}),
				h(Time, { at: job.born }),
				h(
					Fragment,
					null,
					nextTry(job, away),
					tries ? h("div", { className: "plexsync-dim" }, counted(tries, "try", "tries")) : null,
				),
				h(
					"div",
					{ className: "plexsync-actions" },
					button("Sync now", () => dialogs.sync(job.scene)),
					button("Preview", () => dialogs.open({ kind: "preview", id: job.scene, title })),
					h(RowLinks, { id: job.scene, scene, plex: rows.plex(job.scene) }),
				),
			],
		};
	}

	function QueueView({ status, changed, tasks, startTask }) {
		const { queue, inbox } = status || {};
		const table = useTable(
			"queue",
			"due",
			queue ? JSON.stringify([queue.pending, queue.running, queue.next_due, queue.by_error, inbox]) : "",
		);
		const { data } = table;
		const jobs = (data && data.jobs) || [];
		const rows = useRows(jobs.map((job) => job.scene));
		const [busy, act] = useAct();
		const refresh = () => {
			table.again();
			changed();
		};
		const dialogs = useDialogs(act, refresh);
		const [asking, setAsking] = useState(false);
		const everything = (queue ? queue.pending : 0) + (inbox || 0);
		const clear = () =>
			act("clear", async (wanted) => {
				const answer = await command("clear", { what: "queue" }, wanted);
				if (wanted()) setAsking(false);
				refresh();
				return answer && `${counted(answer.removed, "job")} removed; ${COMES_BACK}.`;
			});
		return h(
			"div",
			{ className: "plexsync-list" },
			h(
				TableTools,
				{ table, classes: (data && data.classes) || [] },
				everything > 0 &&
					h(
						Button,
						{
							size: "sm",
							variant: "danger",
							disabled: Boolean(busy),
							onClick: () => setAsking(true),
						},
						"Clear the queue ...",
					),
				h(RestoreButton, { tasks, startTask }),
			),
			h(
				Listing,
				{
					table,
					name: "Queue",
					columns: QUEUE_COLUMNS,
					rows: jobs.map((job) => queueRow(job, rows, dialogs, busy, Boolean(status && status.trouble))),
					none: "Nothing in the queue matches.",
					empty: "Nothing waits: every edit is in Plex.",
				},
				data && h(Beside, { data }),
			),
			dialogs.dialog,
			asking &&
				h(Confirm, {
					title: "Clear the queue?",
					text: `${counted(everything, "waiting job")} would be removed. These scenes are then only synced when they are edited. A copy is kept for 7 days; neither Stash nor Plex is changed.`,
					button: `Clear ${counted(everything, "job")}`,
					busy: Boolean(busy),
					onYes: clear,
					onNo: () => setAsking(false),
				}),
		);
	}

	/** What else will add to the queue. */
	function Beside({ data }) {
		const parts = [
			data.inbox && `${counted(data.inbox, "event")} not taken over yet`,
			data.backfills.length && `${counted(data.backfills.length, "backfill")} under way`,
		].filter(Boolean);
		if (!parts.length) return null;
		return h("p", { className: "plexsync-dim" }, `Besides: ${parts.join("; ")}.`);
	}

	PlexSync.queue = { QueueView };
})();
