/*
 * Starts, watches and stops Stash's tasks, and shows their results.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { EVERY, TASKS, UNLISTED, QUIET } = PlexSync.core;
	const { Fragment, useCallback, useEffect, useRef, useState, createElement: h } = PlexSync.core.React;
	const { Button, Card, Form } = PlexSync.core.Bootstrap;
	const { number, fullTime } = PlexSync.format;
	const { RUN_TASK, STOP_JOB, FIND_JOB, JOBS, query, mutate, operation } = PlexSync.api;
	const { repeat, useAlive, useOnce } = PlexSync.polling;
	const { Mark, Bar } = PlexSync.widgets;

	const UNKNOWN = { status: "UNKNOWN", error: "Stash no longer has this task." };
	const ENDED = ["FINISHED", "CANCELLED", "FAILED", UNKNOWN.status];
	const OURS = /^(?:PlexSync: |Running plugin task: )(.+)$/;

	function asRunning(job) {
		const found = OURS.exec(job.description);
		const mode = found && Object.keys(TASKS).find((each) => TASKS[each] === found[1]);
		return mode && !ENDED.includes(job.status) ? { ...job, mode } : null;
	}

	/** A task's report, if it is this run's and not an earlier one's. */
	async function reportOf(mode, job) {
		if (!job.startTime) return null;
		const report = await operation("report", { task: mode });
		const started = Date.parse(job.startTime) / 1000;
		return report.state !== "unknown" && report.began_at >= started - 2 ? report : null;
	}

	/**
	 * Stash's current task, and the result of the last one. `ended` is called after each. Of several
	 * that were started, each is watched in its turn.
	 */
	function useTasks(ended) {
		const wanted = useAlive();
		const [running, setRunning] = useState(null);
		const [result, setResult] = useState(null);
		const line = useRef([]);
		const watch = (job) => {
			if (line.current.some((each) => each.id === job.id)) return;
			line.current.push(job);
			if (line.current.length === 1) setRunning(job);
		};

		useEffect(() => {
			query(JOBS)
				.then(({ jobQueue }) => (jobQueue || []).map(asRunning).find(Boolean))
				.then((job) => job && wanted() && !line.current.length && watch(job))
				.catch(() => {});
		}, []);

		const id = running && running.id;
		const mode = running && running.mode;
		useEffect(() => {
			if (!id) return undefined;
			const finish = async (job) => {
				const report = await reportOf(mode, job).catch(() => null);
				if (!wanted()) return;
				line.current.shift();
				setRunning(line.current[0] || null);
				setResult({ mode, status: job.status, error: job.error, report });
				ended();
			};
			const check = async () => {
				const job = (await query(FIND_JOB, { id })).findJob || UNKNOWN;
				if (ENDED.includes(job.status)) await finish(job);
				else if (wanted()) setRunning({ ...job, mode });
				return job;
			};
			const pause = (job) => (ENDED.includes(job.status) ? 0 : EVERY.job);
			const runner = repeat(check, pause, () => {});
			return () => runner.end();
		}, [id]);

		const start = useCallback(async (task, args) => {
			const description = `PlexSync: ${TASKS[task]}`;
			const variables = UNLISTED.includes(task)
				? { description, args: { mode: task, ...args } }
				: { task: TASKS[task], description, args };
			const job = (await mutate(RUN_TASK, variables)).runPluginTask;
			if (!wanted()) return;
			setResult(null);
			watch({ id: job, mode: task, status: "READY", progress: 0 });
		}, []);
		const stop = useCallback((job) => mutate(STOP_JOB, { id: job }), []);
		const dismiss = useCallback(() => setResult(null), []);
		return { running, result, start, stop, dismiss };
	}

	function Running({ tasks, onStop }) {
		const { running } = tasks;
		const share = Math.round((running.progress || 0) * 100);
		const waits = running.status === "READY";
		return h(
			Card,
			{ className: "plexsync-box plexsync-running" },
			h(
				"div",
				{ className: "plexsync-box-head" },
				h("strong", null, TASKS[running.mode]),
				h(
					"span",
					{ className: "plexsync-dim", role: "status" },
					waits ? "waits for other tasks of Stash" : `${share} %`,
				),
				h(Button, { size: "sm", variant: "secondary", onClick: onStop }, "Stop"),
			),
			h(Bar, { name: TASKS[running.mode], share }),
		);
	}

	/** A task's most important lines; the view Set-up lists those of Check Setup and the report. */
	function resultLines({ mode, report }) {
		const lines = report ? report.lines : [];
		return ["check_setup", "report_for_help"].includes(mode) ? lines.slice(-1) : lines;
	}

	function line({ level, text }, place) {
		return h(
			"li",
			{ key: place, "data-level": level },
			level !== "info" && h(Mark, { tone: level === "error" ? "bad" : "warn" }),
			text,
		);
	}

	function ResultWords({ result }) {
		const [whole, setWhole] = useState(false);
		const lines = resultLines(result);
		const shown = whole ? lines : lines.slice(-8);
		const { report } = result;
		let text = "";
		if (result.status === "CANCELLED")
			text = QUIET.includes(result.mode)
				? "Stopped."
				: "Stopped. Nothing is lost: what remains is done in the background.";
		else if (result.error) text = result.error;
		else if (!report) text = "It ended without a report: see Settings > Logs.";
		else if (report.state === "failed") text = report.error;
		else if (!lines.length) text = "Done.";
		return h(
			Fragment,
			null,
			shown.length < lines.length &&
				h(
					Button,
					{ size: "sm", variant: "link", onClick: () => setWhole(true) },
					`Show all ${number(lines.length)} lines`,
				),
			h(
				"ul",
				{ className: "plexsync-lines" },
				shown.map(line),
				text &&
					h("li", { "data-level": report && report.state === "done" ? "info" : "warning" }, text),
			),
		);
	}

	function Result({ tasks }) {
		const { result } = tasks;
		const ended = result.report && result.report.state;
		if (QUIET.includes(result.mode) && ended === "done") return null;
		const name = TASKS[result.mode];
		return h(
			Card,
			{
				className: "plexsync-box plexsync-result",
				as: "section",
				"aria-label": `Result of ${name}`,
			},
			h(
				"div",
				{ className: "plexsync-box-head" },
				h("strong", null, name),
				h(
					Button,
					{
						size: "sm",
						variant: "secondary",
						"aria-label": `Close the result of ${name}`,
						onClick: tasks.dismiss,
					},
					"Close",
				),
			),
			h("div", { role: "status" }, h(ResultWords, { result })),
		);
	}

	/** What each task said last, in full: Stash's log shows only its beginning and its end. */
	function Texts() {
		const [mode, setMode] = useState("");
		const ask = useCallback(() => (mode ? operation("report", { task: mode }) : null), [mode]);
		const report = useOnce(ask);
		const known = report && report.task === mode ? report : null;
		return h(
			"details",
			{ className: "plexsync-more" },
			h("summary", null, "Texts of tasks"),
			h(
				Form.Control,
				{
					as: "select",
					size: "sm",
					className: "btn-secondary plexsync-select",
					"aria-label": "Task",
					value: mode,
					onChange: (event) => setMode(event.target.value),
				},
				h("option", { value: "" }, "Choose a task"),
				Object.entries(PlexSync.catalog.tasks).map(([key, name]) =>
					h("option", { key, value: key }, name),
				),
			),
			known && known.state === "unknown" && h("p", null, "It has not run yet."),
			known && known.ended_at && h("p", { className: "plexsync-dim" }, fullTime(known.ended_at)),
			known && known.lines && h("ul", { className: "plexsync-lines" }, known.lines.map(line)),
			known && known.error && h("p", null, known.error),
		);
	}

	PlexSync.tasks = { useTasks, Running, Result, Texts };
})();
