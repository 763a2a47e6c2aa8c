/*
 * The outages of Plex as a timeline, and jobs done as a chart.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { EVERY } = PlexSync.core;
	const { Fragment, useCallback, useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { number, counted, duration, clockTime, timeOfDay, shortDate, percent } = PlexSync.format;
	const { operation } = PlexSync.api;
	const { usePolling } = PlexSync.polling;
	const { Problem, Box } = PlexSync.widgets;

	const SPANS = [
		["24 hours", 86400],
		["7 days", 7 * 86400],
		["30 days", 30 * 86400],
	];
	const WIDE = 1000;
	const THINNEST = 3;

	/** Five labels of an axis from `start` to `end`. */
	function axisMarks(start, end) {
		const day = end - start > 2 * 86400;
		return [0, 1, 2, 3, 4].map((step) => {
			const when = new Date((start + ((end - start) * step) / 4) * 1000);
			if (step === 4) return "now";
			return day
				? shortDate(when)
				: timeOfDay(when);
		});
	}

	function Axis({ start, end }) {
		return h(
			"div",
			{ className: "plexsync-axis", "aria-hidden": true },
			axisMarks(start, end).map((text, place) => h("span", { key: place }, text)),
		);
	}

	/** The position of an outage in the drawing; null if it is outside. */
	function stripe(outage, start, end) {
		const from = Math.max(outage.start, start);
		const until = Math.min(outage.end == null ? end : outage.end, end);
		if (until < start || from > end) return null;
		const scale = WIDE / (end - start);
		const width = Math.max(THINNEST, (until - from) * scale);
		return { x: Math.min((from - start) * scale, WIDE - width), width };
	}

	function outageWords(outage) {
		const until =
			outage.end == null ? "ongoing" : `for ${duration(outage.end - outage.start)}`;
		return `${clockTime(outage.start)}, ${until}: ${outage.cause || "cause unknown"}`;
	}

	function Bar({ outages, observed, start, end, label }) {
		const known = observed === null ? end : Math.max(observed, start);
		const shown = outages
			.map((outage) => [outage, stripe(outage, start, end)])
			.filter((pair) => pair[1]);
		const first = ((Math.min(known, end) - start) * WIDE) / (end - start);
		return h(
			"svg",
			{
				viewBox: `0 0 ${WIDE} 40`,
				preserveAspectRatio: "none",
				className: "plexsync-bar",
				role: "img",
				"aria-label": label,
			},
			h("rect", { x: 0, y: 0, width: WIDE, height: 40, className: "plexsync-unknown" }),
			h("rect", { x: first, y: 0, width: WIDE - first, height: 40, className: "plexsync-up" }),
			shown.map(([outage, place], index) =>
				h(
					"rect",
					{ key: index, y: 0, height: 40, className: "plexsync-down", ...place },
					h("title", null, outageWords(outage)),
				),
			),
		);
	}

	function Figure({ label, title, children }) {
		return h("div", { title }, h("dt", null, label), h("dd", null, children));
	}

	function OutageList({ outages }) {
		if (!outages.length) return null;
		return h(
			"details",
			{ className: "plexsync-more" },
			h("summary", null, `The last ${counted(outages.length, "outage")} in words`),
			h(
				"ul",
				null,
				outages.map((outage, index) =>
					h(
						"li",
						{ key: index },
						outageWords(outage),
						` (${counted(outage.jobs_affected || 0, "scene")} held back,`,
						` ${number(outage.jobs_recovered || 0)} recovered)`,
					),
				),
			),
		);
	}

	function Timeline({ data }) {
		const [span, setSpan] = useState(SPANS[0][1]);
		const name = SPANS.find((each) => each[1] === span)[0];
		const end = Date.now() / 1000;
		const start = end - span;
		const within = data.outages.filter((outage) => stripe(outage, start, end)).length;
		const aside = h(
			"div",
			{ className: "btn-group btn-group-sm", role: "group", "aria-label": "Span" },
			SPANS.map(([label, value]) =>
				h(
					Button,
					{
						key: value,
						size: "sm",
						variant: value === span ? "primary" : "secondary",
						"aria-pressed": value === span,
						onClick: () => setSpan(value),
					},
					label,
				),
			),
		);
		return h(
			Box,
			{ title: "Outages of Plex", aside, className: "plexsync-timeline" },
			h(Bar, {
				outages: data.outages,
				observed: data.observed_since,
				start,
				end,
				label: `Outages: ${within ? number(within) : "none"} within the last ${name}`,
			}),
			h(Axis, { start, end }),
			h(
				"dl",
				{ className: "plexsync-figures" },
				h(
					Figure,
					{ label: "Availability", title: "The fraction of the observed time without an outage" },
					data.observed_since === null ? "–" : percent(data.availability),
				),
				h(
					Figure,
					{ label: "Length of an outage (MTTR)", title: "Mean time to recovery" },
					data.mttr === null ? "–" : duration(data.mttr),
				),
				h(
					Figure,
					{ label: "Time between two (MTBF)", title: "Mean time between failures" },
					data.mtbf === null ? "–" : duration(data.mtbf),
				),
				h(
					Figure,
					{ label: "Outages on record" },
					data.outages.length ? number(data.outages.length) : "none",
				),
			),
			h(OutageList, { outages: data.outages }),
		);
	}

	const CHART_SPAN = 12 * 3600;
	const CHART_HIGH = 60;

	/** Scenes written in each ten minutes of the last hours, with those that failed on top. */
	function Throughput({ data }) {
		const end = (Math.floor(data.now / data.seconds) + 1) * data.seconds;
		const start = end - CHART_SPAN;
		const slices = data.slices.filter((slice) => slice.at >= start && slice.at < end);
		const highest = Math.max(1, ...slices.map((slice) => slice.written + slice.failed));
		const wide = WIDE / (CHART_SPAN / data.seconds);
		const sum = (name) => slices.reduce((total, slice) => total + slice[name], 0);
		const [written, failed] = [sum("written"), sum("failed")];
		const same = sum("done") - written;
		const words =
			`${counted(written, "scene")} written in 12 hours` +
			(same ? `, ${number(same)} found in step` : "") +
			(failed ? `, ${number(failed)} failed` : "");
		const column = (slice, count, below, kind) => ({
			key: `${slice.at} ${kind}`,
			x: ((slice.at - start) / data.seconds) * wide + wide * 0.1,
			width: wide * 0.8,
			y: CHART_HIGH - ((below + count) / highest) * CHART_HIGH,
			height: (count / highest) * CHART_HIGH,
			className: kind,
		});
		const bar = (slice, count, below, kind) =>
			count
				? h(
						"rect",
						column(slice, count, below, kind),
						h(
							"title",
							null,
							`${clockTime(slice.at)}: ${slice.written} written, ${slice.failed} failed`,
						),
					)
				: null;
		return h(
			Box,
			{ title: "Throughput", aside: h("span", { className: "plexsync-dim" }, words) },
			h(
				"div",
				{ className: "plexsync-chart" },
				h(
					"span",
					{ className: "plexsync-scale", "aria-hidden": true },
					`${number(highest)} / ${duration(data.seconds)}`,
				),
				h(
					"svg",
					{
						viewBox: `0 0 ${WIDE} ${CHART_HIGH}`,
						preserveAspectRatio: "none",
						className: "plexsync-bars",
						role: "img",
						"aria-label": `Throughput: ${words}`,
					},
					slices.map((slice) => bar(slice, slice.written, 0, "plexsync-done")),
					slices.map((slice) => bar(slice, slice.failed, slice.written, "plexsync-down")),
				),
			),
			h(Axis, { start, end }),
		);
	}

	function History({ revision }) {
		const ask = useCallback(async () => {
			const [outages, throughput] = await Promise.all([
				operation("outages"),
				operation("throughput"),
			]);
			return { outages, throughput };
		}, [revision]);
		const { data, error, again } = usePolling(ask, EVERY.history);
		if (error && !data) return h(Problem, { text: error, again });
		if (!data) return null;
		return h(
			Fragment,
			null,
			h(Timeline, { data: data.outages }),
			h(Throughput, { data: data.throughput }),
		);
	}

	PlexSync.timeline = { History };
})();
