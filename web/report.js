/*
 * What can be handed to somebody else: the list of Check Setup as text, and the report for help.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { TASKS } = PlexSync.core;
	const { useCallback, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { operation } = PlexSync.api;
	const { usePolling } = PlexSync.polling;
	const { Busy, Problem, Box } = PlexSync.widgets;

	/** Puts a text on the clipboard, also where a browser has no API for it: on a page without TLS. */
	async function copyText(text) {
		try {
			await navigator.clipboard.writeText(text);
			return true;
		} catch {
			const area = document.createElement("textarea");
			area.value = text;
			document.body.append(area);
			area.select();
			const done = document.execCommand("copy");
			area.remove();
			return done;
		}
	}

	function CopyButton({ text }) {
		const [said, say] = useState("Copy");
		const copy = async () => say((await copyText(text())) ? "Copied" : "Could not be copied");
		return h(
			Button,
			{ variant: "secondary", onClick: copy },
			h("span", { "aria-live": "polite" }, said),
		);
	}

	/** The list of Check Setup, a line per point; the ends of the token that the page shows are left out. */
	function pointsAsText(points) {
		return points
			.map(({ point, state, text, remedy }) => {
				const shown = point === "Plex token" && state === "ok" ? "it is set" : text;
				return `[${state}] ${point}: ${shown}. ${remedy}`.trim();
			})
			.join("\n");
	}

	function Contents({ output }) {
		const text = JSON.stringify(output.report, null, 2);
		return h(
			"div",
			{ className: "mt-3" },
			h(
				"ul",
				{ "aria-label": "What it holds" },
				output.holds.map((line) => h("li", { key: line }, line)),
			),
			h(
				"details",
				null,
				h("summary", null, "The whole file"),
				h("pre", { tabIndex: 0, style: { maxHeight: "20rem", overflow: "auto" } }, text),
			),
			h(
				"a",
				{
					className: "btn btn-primary mt-3",
					href: `data:application/json,${encodeURIComponent(text)}`,
					download: "plexsync-report.json",
				},
				"Download",
			),
		);
	}

	function ReportForHelp({ tasks, startTask }) {
		const asked = tasks.running ? tasks.running.id : tasks.result;
		const ask = useCallback(() => operation("report", { task: "report_for_help" }), [asked]);
		const { data: report, error, again } = usePolling(ask, 0);
		const running = tasks.running && tasks.running.mode === "report_for_help";
		const output = report && report.state === "done" ? report.output : null;
		return h(
			Box,
			{ title: TASKS.report_for_help },
			h(
				"p",
				null,
				"A file to attach where you ask for help: versions, states, counts, changed settings, and how Stash " +
					"and Plex answer. Every text, path, name and address is in it only as a hash and a length.",
			),
			h(
				Button,
				{
					variant: "secondary",
					disabled: Boolean(tasks.running),
					onClick: () => startTask("report_for_help"),
				},
				running ? h(Busy, null, "Asking both servers ...") : "Make the Report",
			),
			h(Problem, { text: error || (report && report.state === "failed" && report.error), again }),
			output && h(Contents, { output }),
		);
	}

	PlexSync.report = { CopyButton, ReportForHelp, pointsAsText };
})();
