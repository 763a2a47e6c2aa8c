/*
 * Polls while the page is visible, and the counts for the navigation.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { untilVisible } = PlexSync.core;
	const { useCallback, useEffect, useRef, useState } = PlexSync.core.React;
	const { operation, sentence } = PlexSync.api;

	const TICK_AGAIN = 300;

	/**
	 * Poll now, and again while the page is visible: `pause(answer)` is the number of seconds, 0 for
	 * never. Failures are reported, and retried less and less often. Only one request runs at a time.
	 */
	function repeat(ask, pause, report) {
		let timer = 0;
		let busy = false;
		let again = false;
		let ended = false;
		let failures = 0;

		async function turn() {
			clearTimeout(timer);
			again = busy;
			if (busy || ended || document.hidden) return;
			busy = true;
			let wait;
			try {
				const answer = await ask();
				failures = 0;
				wait = pause(answer);
				if (!ended) report(answer, "");
			} catch (problem) {
				failures += 1;
				wait = Math.min(60, 5 * 2 ** failures);
				if (!ended) report(undefined, sentence(problem));
			}
			busy = false;
			if (ended || document.hidden) return;
			if (again) turn();
			else if (wait) timer = setTimeout(turn, wait * 1000);
		}

		const seen = () => (document.hidden ? clearTimeout(timer) : turn());
		document.addEventListener("visibilitychange", seen);
		turn();
		return {
			again: turn,
			end() {
				ended = true;
				clearTimeout(timer);
				document.removeEventListener("visibilitychange", seen);
			},
		};
	}

	/** How much waits and failed, for the badges in the navigation. */
	const board = {
		counts: null,
		at: 0,
		listeners: new Set(),
		publish(counts) {
			board.counts = counts;
			board.at = Date.now();
			board.listeners.forEach((listener) => listener(counts));
		},
	};

	/** Let PlexSync check whether something is due while no worker is running; only then it starts one. */
	async function wakeUp() {
		board.at = Date.now();
		await untilVisible();
		try {
			const { waiting, failed } = await operation("tick");
			board.publish({ waiting, failed });
		} catch (problem) {
			// The page shows what is wrong; Stash's other pages should not.
		}
	}

	/** The user navigated in Stash: update the badges of a tab that stays open for days. */
	function moved() {
		if (Date.now() - board.at > TICK_AGAIN * 1000) wakeUp();
	}

	/** A function that returns whether the component is still shown. */
	function useAlive() {
		const shown = useRef(true);
		useEffect(() => {
			shown.current = true;
			return () => {
				shown.current = false;
			};
		}, []);
		return useCallback(() => shown.current, []);
	}

	/**
	 * The answer of `ask` (stable, by useCallback), repeated after `pause`: seconds or a function of
	 * the answer. The last answer stays while the next one is pending or fails.
	 */
	function usePolling(ask, pause) {
		const [state, setState] = useState({ data: null, error: "" });
		const runner = useRef(null);
		const pausing = useRef(pause);
		pausing.current = pause;
		useEffect(() => {
			const wait = (answer) =>
				typeof pausing.current === "function" ? pausing.current(answer) : pausing.current;
			runner.current = repeat(ask, wait, (data, error) =>
				setState((old) => ({ data: error ? old.data : data, error })),
			);
			return () => runner.current.end();
		}, [ask]);
		const again = useCallback(() => runner.current.again(), []);
		return { ...state, again };
	}

	/** The answer to each new `ask`; null until it arrives, or if it fails. */
	function useOnce(ask) {
		const [answer, setAnswer] = useState(null);
		useEffect(() => {
			let wanted = true;
			Promise.resolve()
				.then(ask)
				.then((found) => wanted && setAnswer(found))
				.catch(() => wanted && setAnswer(null));
			return () => {
				wanted = false;
			};
		}, [ask]);
		return answer;
	}

	PlexSync.polling = { repeat, board, wakeUp, moved, useAlive, usePolling, useOnce };
})();
