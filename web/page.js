/*
 * The page itself: its headline, its tabs, and its place in Stash.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, ADDRESS, EVERY, TASKS } = PlexSync.core;
	const { Fragment, useCallback, useMemo, useRef, createElement: h } = PlexSync.core.React;
	const { Badge, Button, Nav, Tab } = PlexSync.core.Bootstrap;
	const { Link, useHistory, useLocation } = PlexSync.core.Router;
	const { number, clockTime, roughly } = PlexSync.format;
	const { forgetSettings, operation, readStatus } = PlexSync.api;
	const { board, usePolling, useOnce } = PlexSync.polling;
	const { useAct, useStashsLanguage, Guard, Mark, Busy, Problem } = PlexSync.widgets;
	const { useTasks, Running, Result } = PlexSync.tasks;
	const { QueueView } = PlexSync.queue;
	const { DeadLettersView } = PlexSync.deadLetters;
	const { PreviewView } = PlexSync.preview;
	const { RecipesView } = PlexSync.recipes;
	const { SettingsView } = PlexSync.settings;
	const { SetUpView, useSetUpFirst } = PlexSync.setUp;
	const { ScenesView } = PlexSync.lists;
	const { OverviewView } = PlexSync.overview;
	const { Banner } = PlexSync.banner;

	const SET_UP = `${ADDRESS}?view=set-up&step=connect`;

	const VIEWS = [
		["overview", "Overview"],
		["scenes", "Scenes"],
		["queue", "Queue"],
		["dead-letters", "Needs you"],
		["preview", "Preview"],
		["recipes", "What is written"],
		["set-up", "Set-up"],
		["settings", "Settings"],
	];

	/** How things are, as the server puts it; the page only adds times in Stash's language. */
	function Headline({ view, status, tasks, startTask }) {
		const { state, tone, text, since, more, counts, older } = status.headline;
		const { trouble } = status;
		const when = since
			? ` since ${clockTime(since)} (${roughly(status.now - since)}).`
			: "";
		const notSetUp = state === "not set up";
		return h(
			"div",
			{ className: `plexsync-headline plexsync-tone-${tone}` },
			tone !== "none" && h(Mark, { tone }),
			h(
				"div",
				{ role: "status" },
				h("p", { "data-plexsync": "headline" }, when ? text.replace(/\.$/, when) : text),
				more && h("p", { className: "plexsync-dim" }, more),
				!notSetUp && h("p", { className: "plexsync-dim", "data-plexsync": "counts" }, counts),
			),
			view !== "set-up" &&
				(notSetUp || (state === "held" && trouble.settings)) &&
				h(Link, { to: SET_UP, className: "btn btn-primary" }, "Set-up"),
			older > 0 &&
				h(
					Button,
					{
						variant: "secondary",
						disabled: Boolean(tasks.running),
						onClick: () => startTask("sync_all"),
					},
					TASKS.sync_all,
				),
		);
	}

	const askStatus = async () => {
		const status = await readStatus();
		board.publish(status.badge);
		return status;
	};

	/** The view that the address names. */
	function useView() {
		const { search } = useLocation();
		const history = useHistory();
		const named = new URLSearchParams(search).get("view");
		const view = VIEWS.some(([key]) => key === named) ? named : "overview";
		const go = useCallback(
			(key) => history.push(key === "overview" ? ADDRESS : `${ADDRESS}?view=${key}`),
			[history],
		);
		return [view, go];
	}

	function useHealth(result) {
		const ask = useCallback(() => operation("report", { task: "health_check" }), [result]);
		return useOnce(ask);
	}

	function tabTitle(key, label, status) {
		const counts = {
			queue: status && status.queue ? status.queue.pending + status.inbox : 0,
			"dead-letters": status && status.dead_letters ? status.dead_letters.total : 0,
		};
		if (!counts[key]) return label;
		const variant = key === "queue" ? "secondary" : "warning";
		return h(Fragment, null, label, " ", h(Badge, { pill: true, variant }, number(counts[key])));
	}

	function Views({ view, go, status, panes }) {
		return h(
			Tab.Container,
			{
				id: "plexsync-views",
				activeKey: view,
				onSelect: go,
				mountOnEnter: true,
				unmountOnExit: true,
				transition: false,
			},
			h(
				Nav,
				{ variant: "tabs", "aria-label": "Views of PlexSync" },
				VIEWS.map(([key, label]) =>
					h(Nav.Item, { key }, h(Nav.Link, { eventKey: key }, tabTitle(key, label, status))),
				),
			),
			h(
				Tab.Content,
				null,
				VIEWS.map(([key]) =>
					h(Tab.Pane, { key, eventKey: key }, key === view ? panes[key]() : null),
				),
			),
		);
	}

	function Page() {
		const [view, go] = useView();
		const pace = useRef(EVERY.overview);
		const { data: status, error, again } = usePolling(askStatus, () => pace.current);
		const tasks = useTasks(again);
		pace.current = tasks.running
			? EVERY.task
			: view === "overview"
				? EVERY.overview
				: EVERY.elsewhere;
		useStashsLanguage();
		useMemo(forgetSettings, []); // they may have been changed in Stash's form meanwhile
		const inStash = status ? status.inStash : null;
		useSetUpFirst(status);
		const health = useHealth(tasks.result);
		const [, act] = useAct();
		const startTask = useCallback(
			(mode, args) => act(mode, () => tasks.start(mode, args)),
			[],
		);
		const stopTask = () => act("stop", () => tasks.stop(tasks.running.id).then(() => ""));
		const panes = {
			overview: () => h(OverviewView, { status, inStash, health, tasks, startTask, changed: again }),
			scenes: () => h(ScenesView, { status, inStash, changed: again, tasks, startTask }),
			queue: () => h(QueueView, { status, changed: again, tasks, startTask }),
			"dead-letters": () => h(DeadLettersView, { status, changed: again, tasks, startTask }),
			preview: () => h(PreviewView, { changed: again }),
			recipes: () => h(RecipesView, { tasks, changed: again }),
			settings: () => h(SettingsView, { changed: again, tasks, startTask }),
			"set-up": () => h(SetUpView, { tasks, startTask, changed: again }),
		};
		return h(
			"div",
			{ className: "plexsync plexsync-page" },
			h("h2", null, "PlexSync"),
			status && h(Banner, { status, go }),
			status
				? h(Headline, { view, status, tasks, startTask })
				: !error && h(Busy, null, "Reading PlexSync's status ..."),
			h(Problem, { text: error, again }),
			tasks.running && h(Running, { tasks, onStop: stopTask }),
			tasks.result && h(Result, { tasks }),
			h(Views, { view, go, status, panes }),
			status &&
				h(
					"p",
					{ className: "plexsync-dim plexsync-colophon" },
					`PlexSync ${status.version} · ${status.folder}`,
				),
		);
	}

	const PlexSyncPage = () => h(Guard, null, h(Page));

	PluginApi.register.route(ADDRESS, PlexSyncPage);
})();
