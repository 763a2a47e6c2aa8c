/*
 * Every request of the page: to Stash's GraphQL, and through it to PlexSync's operations
 * (docs/operations.md). Tested in tests/web/api.test.js.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, Apollo, EVERY, PLUGIN, seconds, untilVisible } = PlexSync.core;

	const MOST_FOUND = 500; // scenes that a search may name to an operation

	const OPERATION = `mutation PlexSyncOperation($args: Map) {
    runPluginOperation(plugin_id: "PlexSync", args: $args)
  }`;
	const RUN_TASK = `mutation PlexSyncRunTask($task: String, $description: String!, $args: Map) {
    runPluginTask(
      plugin_id: "PlexSync", task_name: $task, description: $description, args_map: $args
    )
  }`;
	const STOP_JOB = `mutation PlexSyncStopJob($id: ID!) { stopJob(job_id: $id) }`;
	const JOB_FIELDS = "id status progress description startTime error";
	const FIND_JOB = `query PlexSyncJob($id: ID!) { findJob(input: { id: $id }) { ${JOB_FIELDS} } }`;
	const JOBS = `query PlexSyncJobs { jobQueue { ${JOB_FIELDS} } }`;
	const SETTINGS = `query PlexSyncSettings {
    configuration { plugins(include: ["PlexSync"]) }
  }`;
	const COUNT_SCENES = `query PlexSyncCountScenes { findScenes(filter: { per_page: 0 }) { count } }`;
	const SEARCH = `query PlexSyncSearch($q: String!, $most: Int!) {
    findScenes(filter: { q: $q, per_page: $most, sort: "id" }) { count scenes { id } }
  }`;
	const ALL_SCENES = `query PlexSyncAllScenes($q: String) {
    findScenes(filter: { q: $q, per_page: -1, sort: "id" }) { scenes { id } }
  }`;
	const SCENE_FIELDS = "id title date studio { name } files { basename } paths { screenshot }";

	/** One field per scene: asked for in a list, a single deleted scene would fail them all. */
	function scenesQuery(ids) {
		const fields = ids.map((id) => `s${id}: findScene(id: "${id}") { ${SCENE_FIELDS} }`);
		return `query PlexSyncScenes { ${fields.join(" ")} }`;
	}

	/** Send GraphQL to Stash, by Apollo's method `query` or `mutate`. */
	async function send(method, key, text, variables) {
		const client = PluginApi.utils.StashService.getClient();
		const request = { [key]: Apollo.gql(text), variables, fetchPolicy: "no-cache" };
		return (await client[method](request)).data;
	}

	const query = (text, variables) => send("query", "query", text, variables);
	const mutate = (text, variables) => send("mutate", "mutation", text, variables);

	/** Send PlexSync a request; throws an Error with a sentence for the user. */
	async function operation(mode, args) {
		const answer = (await mutate(OPERATION, { args: { mode, ...args } })).runPluginOperation;
		if (!answer || typeof answer !== "object") {
			throw new Error("PlexSync's answer is invalid: see Stash's log.");
		}
		return answer;
	}

	/**
	 * Have the worker carry out a command and wait for its result, while the page is visible.
	 * Resolves to its output, or to null once `wanted` says that it is no longer needed. It may wait
	 * for `patience` seconds before it is started.
	 */
	async function command(mode, args, wanted, patience = 90) {
		const { accepted, warning } = await operation(mode, args);
		const asked = Date.now();
		for (let turn = 0; wanted(); turn += 1) {
			await seconds(turn < 4 ? 0.4 : turn < 20 ? 1 : 3);
			await untilVisible();
			if (!wanted()) break;
			const found = await operation("result", { id: accepted });
			if (found.state === "done") return found.output;
			if (found.state === "failed") throw new Error(found.error);
			if (found.state === "unknown") throw new Error("PlexSync no longer has this command.");
			if (found.why && Date.now() - asked > 3e3) throw new Error(found.why);
			if (found.state === "waiting" && Date.now() - asked > patience * 1e3) {
				throw new Error(warning || "The command is stored; the worker has not started it yet.");
			}
		}
		return null;
	}

	async function findScenes(ids) {
		if (!ids.length) return {};
		const found = await query(scenesQuery(ids));
		return Object.fromEntries(ids.map((id) => [id, found[`s${id}`] || null]));
	}

	/** Ids of the scenes that match the user's input: a number, or words for Stash's own search. */
	async function searchScenes(text) {
		if (/^\d{1,15}$/.test(text) && Number(text) > 0) return { ids: [Number(text)], more: false };
		const found = (await query(SEARCH, { q: text, most: MOST_FOUND })).findScenes;
		return {
			ids: found.scenes.map((scene) => Number(scene.id)),
			more: found.count > MOST_FOUND,
		};
	}

	/** Ids of all scenes, or of all that match the user's input, ascending. */
	async function allScenes(text) {
		if (/^\d{1,15}$/.test(text)) return (await allScenes("")).filter((id) => id === Number(text));
		const { scenes } = (await query(ALL_SCENES, { q: text || null })).findScenes;
		return scenes.map((scene) => Number(scene.id)).sort((one, other) => one - other);
	}

	/** PlexSync's settings as Stash has them now; of a secret one only whether it is set. */
	async function ownSettings() {
		const { configuration } = await query(SETTINGS);
		const { settings: known } = PlexSync.catalog;
		const entries = Object.entries((configuration.plugins || {})[PLUGIN] || {});
		const secret = (key) => Boolean(known[key] && known[key].secret);
		return Object.fromEntries(entries.map(([key, value]) => [key, secret(key) ? Boolean(value) : value]));
	}

	let settingsAsked = null;
	let settingsAt = 0;

	/** Plex's address, whether it and the token are entered, whether syncing is paused, and whether cards
	 * get marks; read at most once a minute. The token is not kept. */
	function plexSettings() {
		if (!settingsAsked || Date.now() - settingsAt > EVERY.history * 1000) {
			settingsAt = Date.now();
			settingsAsked = query(SETTINGS).then(({ configuration }) => {
				const ours = (configuration.plugins || {})[PLUGIN] || {};
				const entered = Boolean(ours.plex_url && ours.plex_token);
				const marksCards = ours.mark_cards === true;
				const paused = ours.pause_sync === true || ours.no_master === true;
				return { url: String(ours.plex_url || ""), entered, paused, marksCards };
			});
			settingsAsked.catch(() => {
				settingsAsked = null;
			});
		}
		return settingsAsked;
	}

	let scenesCounted = { at: 0, count: null };

	/** The number of scenes in Stash, counted at most once a minute; null if it does not say. */
	async function countScenes() {
		if (Date.now() - scenesCounted.at > EVERY.history * 1000) {
			const count = await query(COUNT_SCENES).then(
				({ findScenes }) => findScenes.count,
				() => null,
			);
			scenesCounted = { at: Date.now(), count };
		}
		return scenesCounted.count;
	}

	/** PlexSync's status, for which Stash says how many scenes it has and what was entered. */
	async function readStatus() {
		const [count, settings] = await Promise.all([countScenes(), plexSettings().catch(() => null)]);
		const args = {};
		if (count !== null) args.in_stash = count;
		if (settings && !settings.entered) args.settings = "empty";
		else if (settings && settings.paused) args.settings = "paused";
		return { ...(await operation("status", args)), inStash: count };
	}

	/** The settings have changed: the next one that asks reads them again. */
	function forgetSettings() {
		settingsAsked = null;
	}

	/** Plex's address was saved just now, with a token that never came here. */
	function connectedTo(url) {
		settingsAsked = plexSettings().then(
			(settings) => ({ ...settings, url, entered: true }),
			() => ({ url, entered: true }),
		);
		settingsAt = Date.now();
	}

	/** The error as a sentence. */
	function sentence(problem) {
		const network = problem && problem.networkError;
		const refused = network && network.result && network.result.errors;
		if (refused && refused.length) return String(refused[0].message);
		if (network) return `Stash does not answer: ${network.message}`;
		return String((problem && problem.message) || problem);
	}

	PlexSync.api = {
		MOST_FOUND,
		RUN_TASK,
		STOP_JOB,
		FIND_JOB,
		JOBS,
		countScenes,
		readStatus,
		query,
		mutate,
		operation,
		command,
		findScenes,
		searchScenes,
		allScenes,
		ownSettings,
		plexSettings,
		connectedTo,
		forgetSettings,
		sentence,
	};
})();
