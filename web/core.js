/*
 * PlexSync's page in Stash: the status, and every button.
 *
 * Plain scripts without a build step: Stash serves the files of `ui.javascript` in PlexSync.yml as one,
 * in that order. Each is a function that takes what it needs from `window.PlexSync` and adds
 * what later files use. If Stash lacks what they need, this first one defines nothing and the
 * others end at once. All text is rendered as text: nothing here builds HTML.
 */
(function () {
	"use strict";

	const PluginApi = window.PluginApi;
	if (!PluginApi || !PluginApi.React || !PluginApi.libraries || !PluginApi.patch) return;

	const { React, libraries } = PluginApi;
	const { Bootstrap, ReactRouterDOM: Router, Apollo } = libraries;
	if (!Bootstrap || !Router || !Apollo) return;

	const PLUGIN = "PlexSync";
	const ADDRESS = "/plugins/plexsync"; // not below /plugin/, which Stash's server reserves
	const SETTINGS_PAGE = "/settings?tab=plugins";
	const GUIDE = "Settings > Plugins > PlexSync";

	/** Seconds between two requests while the page is visible. */
	const EVERY = { overview: 5, elsewhere: 10, task: 2, job: 1, history: 60, scene: 5 };

	/** A task's mode, as `report` knows it -> its name. catalog.js adds those of Stash's own list. */
	const TASKS = {
		count_changes: "Count the changes",
		survey: "Compare the files",
		first_sync: "Work out the first sync",
	};

	const UNLISTED = Object.keys(TASKS);

	/** Those whose result is shown by the view that starts them, unless they fail. */
	const QUIET = ["survey", "first_sync"];

	function seconds(count) {
		return new Promise((resolve) => setTimeout(resolve, count * 1000));
	}

	/** Resolves when the page becomes visible. */
	function untilVisible() {
		if (!document.hidden) return Promise.resolve();
		return new Promise((resolve) => {
			const check = () => {
				if (document.hidden) return;
				document.removeEventListener("visibilitychange", check);
				resolve();
			};
			document.addEventListener("visibilitychange", check);
		});
	}

	const core = {
		PluginApi,
		React,
		Bootstrap,
		Router,
		Apollo,
		PLUGIN,
		ADDRESS,
		SETTINGS_PAGE,
		GUIDE,
		EVERY,
		TASKS,
		UNLISTED,
		QUIET,
		seconds,
		untilVisible,
	};
	window.PlexSync = { core, setUpSteps: [] };
})();
