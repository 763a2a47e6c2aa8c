/*
 * What Check Setup found, a path map that fits better, and adoption; below the steps of the set-up.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { ADDRESS, TASKS } = PlexSync.core;
	const { Fragment, useCallback, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { Link } = PlexSync.core.Router;
	const { number, counted, capital } = PlexSync.format;
	const { operation, command } = PlexSync.api;
	const { useAlive, usePolling } = PlexSync.polling;
	const { useAct, Mark, Time, Busy, Note, Problem, Box, Confirm } = PlexSync.widgets;

	const { CopyButton, ReportForHelp, pointsAsText } = PlexSync.report;

	/** A point's text follows its name in the log, but starts a line here. */
	function pointWords(text) {
		return /^[a-z]+[ ,;]/.test(text) ? capital(text) : text;
	}

	const LONG = 240;

	function LongText({ text }) {
		if (text.length <= LONG) return h("div", null, text);
		return h(
			"details",
			{ className: "plexsync-long" },
			h("summary", null, `${text.slice(0, text.lastIndexOf(" ", LONG))} ...`),
			text,
		);
	}

	function PointItem({ point }) {
		return h(
			"li",
			{ className: "plexsync-point", "data-state": point.state },
			h(Mark, { tone: point.state }),
			h("strong", null, point.point),
			h(
				"div",
				null,
				h(LongText, { text: pointWords(point.text) }),
				point.remedy && h("div", { className: "plexsync-remedy" }, point.remedy),
			),
		);
	}

	/** The path map that fits best, if it fits better than the one in use. */
	function PathMap({ found, onAdopted }) {
		const [busy, act] = useAct();
		if (!found || !found.suggested || found.explained <= found.explained_now) return null;
		const adopt = () =>
			act("adopt", async (wanted) => {
				const answer = await command("adopt_path_map", { path_map: found.suggested }, wanted);
				if (answer) onAdopted(`The path map is now ${answer.after}. ${answer.text}`);
			});
		return h(
			Box,
			{ title: "Suggested path map" },
			h(
				"p",
				null,
				`It explains ${number(found.explained)} of ${counted(found.files, "file")} that both servers have; ` +
					`${found.now ? "the one in use" : "an empty one"} explains ${number(found.explained_now)}.`,
			),
			h(
				"dl",
				{ className: "plexsync-pairs" },
				h("dt", null, "Now"),
				h("dd", null, h("code", null, found.now || "empty")),
				h("dt", null, "Suggested"),
				h("dd", null, h("code", null, found.suggested)),
			),
			h(
				Button,
				{ disabled: Boolean(busy), onClick: adopt },
				busy ? h(Busy, null, "Adopting ...") : "Adopt",
			),
		);
	}

	const POINT_ORDER = { bad: 0, warn: 1, ok: 2 };

	/** Gives the data folder to this Stash; does nothing if it already belongs to it. */
	function AdoptStash({ changed }) {
		const [busy, act] = useAct();
		const [asking, setAsking] = useState(false);
		const adopt = () =>
			act("adopt", async (wanted) => {
				const answer = await command("adopt_data_folder", {}, wanted);
				if (wanted()) setAsking(false);
				changed();
				if (!answer) return "";
				return answer.adopted
					? `This Stash is adopted: ${TASKS.sync_all} syncs all of its scenes.`
					: "The data folder already belongs to this Stash; nothing was changed.";
			});
		return h(
			Fragment,
			null,
			h(
				Button,
				{ variant: "secondary", disabled: Boolean(busy), onClick: () => setAsking(true) },
				"Adopt This Stash ...",
			),
			asking &&
				h(Confirm, {
					title: "Give the data folder to this Stash?",
					text: "After a new database, or if this Stash replaces another one: what is stored about the other's scenes is deleted, with their waiting jobs, dead letters and pins. Copies are kept for 7 days, and what Plex had before PlexSync wrote is kept. Neither Stash nor Plex is changed.",
					button: "Adopt This Stash",
					busy: Boolean(busy),
					onYes: adopt,
					onNo: () => setAsking(false),
				}),
		);
	}

	function CheckSetup({ tasks, startTask, changed }) {
		const asked = tasks.running ? tasks.running.id : tasks.result;
		const ask = useCallback(() => operation("report", { task: "check_setup" }), [asked]);
		const { data: report, error, again } = usePolling(ask, 0);
		const [adopted, setAdopted] = useState("");
		const wanted = useAlive();
		const output = report && report.state === "done" ? report.output : null;
		const points = output ? [...output.points] : [];
		points.sort((a, b) => POINT_ORDER[a.state] - POINT_ORDER[b.state]);
		const running = tasks.running && tasks.running.mode === "check_setup";
		const onAdopted = (text) => {
			if (wanted()) setAdopted(text);
			startTask("check_setup");
		};
		return h(
			"section",
			{ "aria-label": TASKS.check_setup, className: "plexsync-checked" },
			h("h3", null, TASKS.check_setup),
			h(
				"div",
				{ className: "plexsync-tools" },
				h(
					"p",
					{ className: "plexsync-push" },
					!report
						? ""
						: report.state === "unknown"
							? "Not checked yet. The check covers everything PlexSync depends on. To see whether Plex takes edits, it changes a lock of an item that PlexSync has written, and puts it back."
							: h(Fragment, null, "Checked ", h(Time, { at: report.ended_at }), "."),
				),
				points.length > 0 && h(CopyButton, { text: () => pointsAsText(points) }),
				h(AdoptStash, { changed }),
				h(Link, { to: `${ADDRESS}?view=settings`, className: "btn btn-secondary" }, "Settings"),
				h(
					Button,
					// not while others run, which start by themselves as it is pressed: Stash puts it in line
					{ disabled: Boolean(running), onClick: () => startTask("check_setup") },
					running ? h(Busy, null, "Checking ...") : "Check Setup",
				),
			),
			h(Problem, { text: error, again }),
			report && report.state === "failed" && h(Problem, { text: report.error }),
			adopted && h(Note, { tone: "ok" }, adopted),
			!adopted && output && h(PathMap, { found: output.path_map, onAdopted }),
			points.length > 0 &&
				h(
					"ul",
					{ className: "plexsync-points", "aria-label": "Points" },
					points.map((point, place) => h(PointItem, { key: `${place} ${point.point}`, point })),
				),
			h("div", { className: "mt-4" }, h(ReportForHelp, { tasks, startTask })),
		);
	}

	PlexSync.checkSetup = { CheckSetup };
})();
