/*
 * The view Set-up: its steps, one at a time, and below them what Check Setup found.
 *
 * Each step's file pushes { key, title, done(state), View } to `PlexSync.setUpSteps`; `state` is the
 * answer of the operation `set_up`, and View gets { state, go, changed, tasks, startTask }.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { catalog } = PlexSync;
	const { ADDRESS } = PlexSync.core;
	const { useCallback, useEffect, useRef, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { useHistory, useLocation } = PlexSync.core.Router;
	const { operation } = PlexSync.api;
	const { useAlive, usePolling } = PlexSync.polling;
	const { Busy, Icon, Note, Problem } = PlexSync.widgets;
	const { CheckSetup } = PlexSync.checkSetup;

	const STEPS = PlexSync.setUpSteps;
	const VIEW = "set-up";
	const EVERY = 10;

	const askState = () => operation("set_up");
	const addressOf = (key) => `${ADDRESS}?view=${VIEW}&step=${key}`;

	/**
	 * Opens the set-up once when the page is opened without a view, if PlexSync was never connected.
	 * Anybody who then goes elsewhere is left alone.
	 */
	function useSetUpFirst(status) {
		const { search } = useLocation();
		const history = useHistory();
		const wanted = useAlive();
		const here = useRef(null);
		here.current = search;
		const asked = useRef(Boolean(search));
		const met = status && status.index && status.index.libraries;
		useEffect(() => {
			if (!status || asked.current) return;
			asked.current = true;
			if (met) return;
			askState()
				.then(({ connected }) => {
					if (!connected && wanted() && !here.current) {
						history.replace(`${ADDRESS}?view=${VIEW}`);
					}
				})
				.catch(() => {}); // the view itself says what is wrong
		}, [status]);
	}

	/** The step that the address names, else the first that is not done; and the way to another. */
	function useStep(state) {
		const { search } = useLocation();
		const history = useHistory();
		const named = new URLSearchParams(search).get("step");
		const open = STEPS.findIndex((step) => step.key === named);
		const first = useRef(-1); // stays, also once that step is done: the user goes on
		if (state && first.current < 0) {
			first.current = Math.max(0, STEPS.findIndex((step) => !step.done(state)));
		}
		const place = open >= 0 ? open : Math.max(0, first.current);
		const go = useCallback((key) => history.push(addressOf(key)), [history]);
		return [place, go];
	}

	function Steps({ state, place, go }) {
		return h(
			"ol",
			{ className: "plexsync-steps", "aria-label": "Steps of the set-up" },
			STEPS.map((step, at) => {
				const done = step.done(state);
				return h(
					"li",
					{ key: step.key, "data-state": done ? "done" : "open" },
					h(
						"button",
						{
							type: "button",
							className: "btn btn-link",
							"aria-current": at === place ? "step" : undefined,
							onClick: () => go(step.key),
						},
						done ? h(Icon, { name: "ok" }) : h("span", { "aria-hidden": true }, at + 1),
						step.title,
						done && h("span", { className: "sr-only" }, " (done)"),
					),
				);
			}),
		);
	}

	/** One step; its title takes the focus when the user has come from another one. */
	function Step({ place, state, go, changed, tasks, startTask }) {
		const { key, title, View } = STEPS[place];
		const heading = useRef(null);
		const before = useRef(key);
		useEffect(() => {
			if (before.current !== key && heading.current) heading.current.focus();
			before.current = key;
		}, [key]);
		const at = (offset) => STEPS[place + offset];
		const next = at(1);
		const onward = (to) => {
			if (to || next) go(to || next.key);
		};
		const stepButton = (step, text, variant) =>
			step && h(Button, { variant, onClick: () => go(step.key) }, text);
		return h(
			"section",
			{ className: "plexsync-step", "aria-label": title },
			h(
				"h3",
				{ ref: heading, tabIndex: -1 },
				`Step ${place + 1} of ${STEPS.length}: ${title}`,
			),
			h(View, { key, state, go: onward, changed, tasks, startTask }),
			h(
				"div",
				{ className: "plexsync-step-foot" },
				stepButton(at(-1), "Back", "secondary"),
				stepButton(next, STEPS[place].done(state) ? "Next" : "Skip", "secondary"),
			),
		);
	}

	const nameOf = (key) => (catalog.settings[key] ? catalog.settings[key].label : key);

	/** Settings that an open settings page of Stash has written back. */
	function Lost({ keys }) {
		return h(
			Note,
			{ tone: "warn" },
			`Settings that were saved here have their earlier values again (${keys.map(nameOf).join(", ")}): a settings ` +
				"page of Stash that had been open has probably written them back. Reload that page, then set " +
				"them again.",
		);
	}

	function SetUpView({ tasks, startTask, changed }) {
		const { data: state, error, again } = usePolling(askState, EVERY);
		const [place, go] = useStep(state);
		const both = useCallback(() => {
			again();
			changed();
		}, [again, changed]);
		return h(
			"div",
			null,
			h(Problem, { text: error, again }),
			state && state.lost.length > 0 && h(Lost, { keys: state.lost }),
			state
				? [
						h(Steps, { key: "steps", state, place, go }),
						h(Step, { key: "step", place, state, go, changed: both, tasks, startTask }),
					]
				: !error && h(Busy, null, "Reading how far the set-up is ..."),
			// not before what stands above it: its buttons would move from under the pointer
			(state || error) && h(CheckSetup, { tasks, startTask, changed }),
		);
	}

	PlexSync.setUp = { SetUpView, useSetUpFirst };
})();
