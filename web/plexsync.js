/*
 * PlexSync's page in Stash: how things stand, and every button.
 *
 * One plain script. It uses what Stash hands out (React, React-Bootstrap, React-Router, Apollo) and
 * asks for the operations of docs/operations.md; what it asks how often is in docs/page.md.
 * Every text is shown as text: nothing here builds HTML.
 */
(function () {
  "use strict";

  const PluginApi = window.PluginApi;
  if (!PluginApi || !PluginApi.React || !PluginApi.libraries || !PluginApi.patch) return;

  const { React, libraries } = PluginApi;
  const { Bootstrap, ReactRouterDOM, Apollo } = libraries;
  if (!Bootstrap || !ReactRouterDOM || !Apollo) return;

  const { Badge, Button, Card, Dropdown, Form, Modal, Nav, Spinner, Tab } = Bootstrap;
  const { Link, NavLink, useHistory, useLocation } = ReactRouterDOM;
  const { Fragment, useCallback, useEffect, useMemo, useRef, useState } = React;
  const h = React.createElement;

  // ------------------------------------------------------------------------------- names and times

  const PLUGIN = "PlexSync";
  const ADDRESS = "/plugins/plexsync"; // not below /plugin/, which Stash's server keeps for itself
  const SETTINGS_PAGE = "/settings?tab=plugins";
  const GUIDE = "Settings > Plugins > PlexSync";

  const ROWS = 25;
  const MOST_FOUND = 500; // scenes that a search may name to an operation

  /** Seconds between two looks while the page is visible. */
  const EVERY = { overview: 5, elsewhere: 10, task: 2, job: 1, history: 60, scene: 5 };
  const TICK_AGAIN = 300;

  /** A task's mode, as `report` knows it -> its name in Stash. */
  const TASKS = {
    process_queue: "Process Queue",
    health_check: "Health Check",
    recover_outage_jobs: "Recover Outage Jobs",
    check_setup: "Check Setup",
    sync_all: "Sync All Scenes",
    reconcile_all: "Reconcile Library (All)",
    reconcile_7days: "Reconcile Last 7 Days",
    reconcile_24h: "Reconcile Recent (24 h)",
    reconcile_missing: "Reconcile Missing Metadata Only",
    restore_removed: "Restore Removed",
  };

  const COMES_BACK = `for 7 days the task ${TASKS.restore_removed} brings it back`;

  const RECONCILIATIONS = [
    ["reconcile_all", "All scenes"],
    ["reconcile_7days", "Last 7 days"],
    ["reconcile_24h", "Last 24 hours"],
    ["reconcile_missing", "Missing metadata only"],
  ];

  const VIEWS = [
    ["overview", "Overview"],
    ["queue", "Queue"],
    ["dead-letters", "Dead letters"],
    ["preview", "Preview"],
    ["set-up", "Set-up"],
  ];

  const SCOPES = {
    all: "all scenes",
    "24h": "the last 24 hours",
    "7days": "the last 7 days",
    since: "around an outage",
  };

  // ---------------------------------------------------------------------------- talking to Stash

  const OPERATION = `mutation PlexSyncOperation($args: Map) {
    runPluginOperation(plugin_id: "PlexSync", args: $args)
  }`;
  const RUN_TASK = `mutation PlexSyncRunTask($task: String!, $description: String!) {
    runPluginTask(plugin_id: "PlexSync", task_name: $task, description: $description)
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
  const SCENE_FIELDS = "id title date studio { name } files { basename } paths { screenshot }";

  /** One field per scene: asked for in a list, a single deleted scene would fail them all. */
  function scenesQuery(ids) {
    const fields = ids.map((id) => `s${id}: findScene(id: "${id}") { ${SCENE_FIELDS} }`);
    return `query PlexSyncScenes { ${fields.join(" ")} }`;
  }

  function client() {
    return PluginApi.utils.StashService.getClient();
  }

  async function query(text, variables) {
    const answer = await client().query({
      query: Apollo.gql(text),
      variables,
      fetchPolicy: "no-cache",
    });
    return answer.data;
  }

  async function mutate(text, variables) {
    const answer = await client().mutate({
      mutation: Apollo.gql(text),
      variables,
      fetchPolicy: "no-cache",
    });
    return answer.data;
  }

  /** Ask PlexSync; what is wrong comes back as an Error with a sentence for people. */
  async function operation(mode, args) {
    const answer = (await mutate(OPERATION, { args: { mode, ...args } })).runPluginOperation;
    if (!answer || typeof answer !== "object") {
      throw new Error("PlexSync's answer cannot be understood: see Stash's log.");
    }
    return answer;
  }

  /**
   * Have the worker carry out a command and wait for what comes of it, while the page is visible.
   * Resolves to its output, or to null once `wanted` says that nobody cares any more.
   */
  async function command(mode, args, wanted) {
    const { accepted, warning } = await operation(mode, args);
    const asked = Date.now();
    for (let turn = 0; wanted(); turn += 1) {
      await seconds(turn < 4 ? 0.4 : turn < 20 ? 1 : 3);
      await untilVisible();
      if (!wanted()) break;
      const found = await operation("result", { id: accepted });
      if (found.state === "done") return found.output;
      if (found.state === "failed") throw new Error(found.error);
      if (found.state === "unknown") throw new Error("PlexSync has lost sight of this command.");
      if (found.why && Date.now() - asked > 3e3) throw new Error(found.why);
      if (found.state === "waiting" && Date.now() - asked > 90e3) {
        throw new Error(warning || "The command is kept; the worker has not come to it yet.");
      }
    }
    return null;
  }

  async function findScenes(ids) {
    if (!ids.length) return {};
    const found = await query(scenesQuery(ids));
    return Object.fromEntries(ids.map((id) => [id, found[`s${id}`] || null]));
  }

  /** Ids of the scenes that fit what somebody typed: a number, or words for Stash's own search. */
  async function searchScenes(text) {
    if (/^\d{1,15}$/.test(text) && Number(text) > 0) return { ids: [Number(text)], more: false };
    const found = (await query(SEARCH, { q: text, most: MOST_FOUND })).findScenes;
    return {
      ids: found.scenes.map((scene) => Number(scene.id)),
      more: found.count > MOST_FOUND,
    };
  }

  let settingsAsked = null;

  /** Where Plex is and whether the two settings are entered, read once; the token is not kept. */
  function plexSettings() {
    if (!settingsAsked) {
      settingsAsked = query(SETTINGS).then(({ configuration }) => {
        const ours = (configuration.plugins || {})[PLUGIN] || {};
        const entered = Boolean(ours.plex_url && ours.plex_token);
        return { url: String(ours.plex_url || ""), entered };
      });
      settingsAsked.catch(() => {
        settingsAsked = null;
      });
    }
    return settingsAsked;
  }

  /** What went wrong, as a sentence. */
  function sentence(problem) {
    const network = problem && problem.networkError;
    const refused = network && network.result && network.result.errors;
    if (refused && refused.length) return String(refused[0].message);
    if (network) return `Stash does not answer: ${network.message}`;
    return String((problem && problem.message) || problem);
  }

  // ------------------------------------------------------------------------- waiting and looking

  function seconds(count) {
    return new Promise((resolve) => setTimeout(resolve, count * 1000));
  }

  /** Resolves when somebody can see the page. */
  function untilVisible() {
    if (!document.hidden) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (document.hidden) return;
        document.removeEventListener("visibilitychange", look);
        resolve();
      };
      document.addEventListener("visibilitychange", look);
    });
  }

  /**
   * Ask now, and again while the page is visible: `pause(answer)` says after how many seconds, 0 for
   * not again. Failures are told and asked again ever more rarely. Two never run at a time.
   */
  function repeat(ask, pause, tell) {
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
        if (!ended) tell(answer, "");
      } catch (problem) {
        failures += 1;
        wait = Math.min(60, 5 * 2 ** failures);
        if (!ended) tell(undefined, sentence(problem));
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

  /** What PlexSync has to do, for the badge in the navigation. */
  const board = {
    counts: null,
    at: 0,
    listeners: new Set(),
    tell(counts) {
      board.counts = counts;
      board.at = Date.now();
      board.listeners.forEach((listener) => listener(counts));
    },
  };

  /** Let a sleeping PlexSync look whether something is due; starts a worker only if so. */
  async function wakeUp() {
    board.at = Date.now();
    await untilVisible();
    try {
      const { waiting, failed } = await operation("tick");
      board.tell({ waiting, failed });
    } catch (problem) {
      // The page says what is wrong; no other page of Stash should be bothered with it.
    }
  }

  /** Somebody moves about in Stash: the badge of a tab that stays open for days is kept true. */
  function moved() {
    if (Date.now() - board.at > TICK_AGAIN * 1000) wakeUp();
  }

  // --------------------------------------------------------------------------------------- words

  /** 14210 -> "14 210", with spaces that do not break. */
  function number(value) {
    return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u00a0");
  }

  /** The sum of an object's numbers. */
  function sumOf(counts) {
    return Object.values(counts || {}).reduce((sum, count) => sum + count, 0);
  }

  function counted(value, one, many) {
    return `${number(value)} ${value === 1 ? one : many || `${one}s`}`;
  }

  /** A length of time by its two largest units: "2 h 5 min". */
  function duration(length) {
    const whole = Math.max(0, Math.round(length));
    const units = [
      ["day", 86400],
      ["h", 3600],
      ["min", 60],
      ["s", 1],
    ];
    const parts = [];
    let rest = whole;
    for (const [unit, size] of units) {
      const count = Math.floor(rest / size);
      rest -= count * size;
      const name = unit === "day" && count !== 1 ? "days" : unit;
      if (count || (unit === "s" && !parts.length)) parts.push(`${count} ${name}`);
      else if (parts.length) break;
      if (parts.length === 2) break;
    }
    return parts.join(" ");
  }

  /** The largest unit alone is enough for "ago". */
  function roughly(length) {
    return duration(length).split(" ").slice(0, 2).join(" ");
  }

  function ago(at, now) {
    const passed = (now || Date.now() / 1000) - at;
    return passed < 5 ? "just now" : `${roughly(passed)} ago`;
  }

  function ahead(at, now) {
    const left = at - (now || Date.now() / 1000);
    return left < 1 ? "now" : `in ${roughly(left)}`;
  }

  /** "14:05", with the day when it is another one. */
  function clockTime(at) {
    const when = new Date(at * 1000);
    const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    if (when.toDateString() === new Date().toDateString()) return time;
    return `${when.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
  }

  function fullTime(at) {
    return new Date(at * 1000).toLocaleString();
  }

  function percent(share) {
    if (share >= 1) return "100 %";
    return `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
  }

  function milliseconds(length) {
    return length < 1 ? `${Math.max(1, Math.round(length * 1000))} ms` : `${length.toFixed(1)} s`;
  }

  function sceneTitle(id, scene) {
    if (!scene) return scene === null ? `Scene ${id} (no longer in Stash)` : `Scene ${id}`;
    return scene.title || (scene.files[0] && scene.files[0].basename) || `Scene ${id}`;
  }

  /** The address if a link or picture may lead there, else "". */
  function webAddress(text) {
    try {
      const address = new URL(text, document.baseURI);
      return address.protocol === "http:" || address.protocol === "https:" ? address.href : "";
    } catch (problem) {
      return "";
    }
  }

  const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0)$/;

  /** Whether this browser can be expected to reach what Stash's machine calls by this address. */
  function withinReach(address) {
    const here = window.location.hostname;
    if (LOOPBACK.test(address.hostname)) return LOOPBACK.test(here);
    return /[.:]/.test(address.hostname) || address.hostname === here;
  }

  /** Plex's own page of an item; by plex.tv where only Stash's machine knows the server. */
  function plexLink(url, server, key) {
    if (!server || !key) return "";
    const item = encodeURIComponent(`/library/metadata/${key}`);
    const hash = `#!/server/${encodeURIComponent(server)}/details?key=${item}`;
    const address = url && webAddress(url) ? new URL(url) : null;
    if (!address || !withinReach(address)) return `https://app.plex.tv/desktop/${hash}`;
    return `${address.origin}${address.pathname.replace(/\/+$/, "")}/web/index.html${hash}`;
  }

  /**
   * How things are: [how good that is, one sentence, how many scenes PlexSync has never met].
   * `inStash` is the number of scenes in Stash, `settings` what plexSettings() found; null: unknown.
   */
  function howThingsAre(status, inStash, settings) {
    const { waiting, later, failed } = status.badge;
    const scenes = status.scenes || {};
    const known = sumOf(scenes);
    const all = inStash === null ? known : Math.max(inStash, scenes.synced || 0);
    const inStep = `In step: ${number(scenes.synced || 0)} of ${counted(all, "scene")}.`;
    const kept = waiting ? ` ${number(waiting)} waiting; nothing is lost.` : " Nothing is lost.";

    // both may stand in the environment instead; then it has read Plex's libraries all the same
    const hasMetPlex = Boolean(known || (status.index && status.index.items));
    if (settings && !settings.entered && !hasMetPlex) {
      return ["bad", "PlexSync is not set up yet: it needs Plex's address and a token."];
    }
    if (status.trouble) {
      const { headline, since } = status.trouble;
      const when = since ? ` since ${clockTime(since)} (${roughly(status.now - since)})` : "";
      return ["bad", `${headline}${when}.${kept}`];
    }
    const parts = [];
    if (waiting) parts.push(`${number(waiting)} waiting`);
    if (later) parts.push(`${number(later)} to be tried again later`);
    if (failed) parts.push(`${number(failed)} ${failed === 1 ? "needs" : "need"} you`);
    const rest = parts.length ? `${parts.join(", ")}.` : "Nothing waits.";
    const tone = failed ? "warn" : waiting || all > known ? "none" : "ok";
    return [tone, `${inStep} ${rest}`, Math.max(0, all - known - waiting - later)];
  }

  // --------------------------------------------------------------------------------------- hooks

  /** A function that tells whether the component is still shown. */
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
   * The answer to `ask` (stable, by useCallback), asked again by `pause`: seconds or a function of
   * the answer. The last answer stays while another one is on its way or fails.
   */
  function useLook(ask, pause) {
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

  /** Answer once to each new `ask`; null while it is on its way or when it fails. */
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

  /** The scenes of these ids by id, once Stash has told them. */
  function useScenes(ids) {
    const key = ids.join(",");
    return useOnce(useCallback(() => findScenes(key ? key.split(",") : []), [key])) || {};
  }

  /** Where a scene's items are in Plex: a function of rating key to a link. */
  function usePlexLinks(server) {
    const settings = useOnce(plexSettings);
    return useCallback(
      (key) => plexLink(settings ? settings.url : "", server, key),
      [settings, server],
    );
  }

  const useToast = (PluginApi.hooks && PluginApi.hooks.useToast) || (() => null);

  /**
   * One thing at a time: `act(key, work)` runs `work(wanted)` and shows the text it resolves to, or
   * what went wrong. `busy` is the key of what runs.
   */
  function useAct() {
    const wanted = useAlive();
    const toast = useRef(null);
    toast.current = useToast();
    const [busy, setBusy] = useState("");
    const show = (content, variant) => {
      if (toast.current && toast.current.toast) toast.current.toast({ content, variant });
    };
    const act = useCallback(async (key, work) => {
      setBusy(key);
      try {
        const text = await work(wanted);
        if (text) show(text, "success");
      } catch (problem) {
        show(sentence(problem), "danger");
      }
      if (wanted()) setBusy("");
    }, []);
    return [busy, act];
  }

  const UNKNOWN = { status: "UNKNOWN", error: "Stash knows nothing of this task any more." };
  const ENDED = ["FINISHED", "CANCELLED", "FAILED", UNKNOWN.status];
  const OURS = /^(?:PlexSync: |Running plugin task: )(.+)$/;

  function asRunning(job) {
    const found = OURS.exec(job.description);
    const mode = found && Object.keys(TASKS).find((each) => TASKS[each] === found[1]);
    return mode && !ENDED.includes(job.status) ? { ...job, mode } : null;
  }

  /** What a task told, if it is this run's and not that of an earlier one. */
  async function reportOf(mode, job) {
    if (!job.startTime) return null;
    const report = await operation("report", { task: mode });
    const started = Date.parse(job.startTime) / 1000;
    return report.state !== "unknown" && report.began_at >= started - 2 ? report : null;
  }

  /** Stash's task of the moment, and what came of the last one. `ended` is called after each. */
  function useTasks(ended) {
    const wanted = useAlive();
    const [running, setRunning] = useState(null);
    const [result, setResult] = useState(null);

    useEffect(() => {
      query(JOBS)
        .then(({ jobQueue }) => (jobQueue || []).map(asRunning).find(Boolean))
        .then((job) => job && wanted() && setRunning((old) => old || job))
        .catch(() => {});
    }, []);

    const id = running && running.id;
    const mode = running && running.mode;
    useEffect(() => {
      if (!id) return undefined;
      const finish = async (job) => {
        const report = await reportOf(mode, job).catch(() => null);
        if (!wanted()) return;
        setRunning(null);
        setResult({ mode, status: job.status, error: job.error, report });
        ended();
      };
      const look = async () => {
        const job = (await query(FIND_JOB, { id })).findJob || UNKNOWN;
        if (ENDED.includes(job.status)) await finish(job);
        else if (wanted()) setRunning({ ...job, mode });
        return job;
      };
      const pause = (job) => (ENDED.includes(job.status) ? 0 : EVERY.job);
      const runner = repeat(look, pause, () => {});
      return () => runner.end();
    }, [id]);

    const start = useCallback(async (task) => {
      const variables = { task: TASKS[task], description: `PlexSync: ${TASKS[task]}` };
      const job = (await mutate(RUN_TASK, variables)).runPluginTask;
      if (!wanted()) return;
      setResult(null);
      setRunning({ id: job, mode: task, status: "READY", progress: 0 });
    }, []);
    const stop = useCallback((job) => mutate(STOP_JOB, { id: job }), []);
    const dismiss = useCallback(() => setResult(null), []);
    return { running, result, start, stop, dismiss };
  }

  // --------------------------------------------------------------------------------- small parts

  /** Keeps a fault of ours from taking Stash's page with it. */
  class Guard extends React.Component {
    constructor(props) {
      super(props);
      this.state = { problem: null };
    }

    static getDerivedStateFromError(problem) {
      return { problem };
    }

    render() {
      const { problem } = this.state;
      if (!problem) return this.props.children;
      if (this.props.quiet) return null;
      return h(Note, { tone: "bad" }, `PlexSync's page has a fault: ${sentence(problem)}`);
    }
  }

  const ICONS = {
    logo: "M4 10a8 8 0 0 1 14-3.4V3h2.4v8H12.6V8.6h4A5.6 5.6 0 0 0 6.500 10zM20 14a8 8 0 0 1-14 3.4V21H3.600v-8h7.800v2.400h-4A5.600 5.600 0 0 0 17.500 14z",
    ok: "M9.500 16.800 4.700 12l-1.900 1.900 6.700 6.700L21.300 8.800l-1.900-1.900z",
    warn: "M12 2.500 1 21.500h22zM11 10h2v5.500h-2zm0 7h2v2h-2z",
    bad: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm4.900 13.500-1.400 1.400-3.500-3.500-3.500 3.500-1.400-1.400 3.500-3.500-3.500-3.500 1.400-1.400 3.500 3.500 3.500-3.500 1.400 1.400-3.500 3.500z",
    up: "M12 7l6 8H6z",
    down: "M12 17l6-8H6z",
    away: "M14 4h6v6h-2.200V7.800l-7.300 7.300-1.600-1.600 7.300-7.300H14zM5 6h5v2.200H6.200v9.600h9.600V14H18v6H4V6z",
  };

  function Icon({ name, className: more }) {
    return h(
      "svg",
      {
        viewBox: "1 1 22 22",
        className: `plexsync-icon ${more || ""}`,
        "aria-hidden": true,
        focusable: false,
      },
      h("path", { d: ICONS[name], fillRule: "evenodd" }),
    );
  }

  const TONES = { ok: "all right", warn: "to look at", bad: "wrong" };

  /** A mark that says by form, colour and (for screen readers) words how good something is. */
  function Mark({ tone }) {
    return h(
      "span",
      { className: `plexsync-mark plexsync-${tone}` },
      h(Icon, { name: tone }),
      h("span", { className: "sr-only" }, `${TONES[tone]}: `),
    );
  }

  function Time({ at, children }) {
    if (!at) return "never";
    const iso = new Date(at * 1000).toISOString();
    return h("time", { dateTime: iso, title: fullTime(at) }, children || ago(at));
  }

  function Busy({ children }) {
    return h(
      "span",
      { className: "plexsync-busy", role: "status" },
      h(Spinner, { animation: "border", size: "sm", "aria-hidden": true }),
      " ",
      children,
    );
  }

  function Note({ tone, children }) {
    return h(
      "div",
      {
        className: `plexsync-note plexsync-tone-${tone}`,
        role: tone === "ok" ? "status" : "alert",
      },
      h(Mark, { tone }),
      children,
    );
  }

  function Problem({ text, again }) {
    if (!text) return null;
    return h(
      Note,
      { tone: "bad" },
      h("span", { className: "plexsync-push" }, text),
      again && h(Button, { size: "sm", variant: "secondary", onClick: again }, "Try again"),
    );
  }

  function Box({ title, aside, className: more, children }) {
    return h(
      Card,
      { className: `plexsync-box ${more || ""}`, as: "section", "aria-label": title },
      h("div", { className: "plexsync-box-head" }, h("h3", null, title), aside),
      children,
    );
  }

  /** The link leaves Stash for Plex. */
  function PlexLink({ href, label }) {
    if (!href) return null;
    return h(
      "a",
      {
        href,
        target: "_blank",
        rel: "noopener noreferrer",
        className: "plexsync-link",
        "aria-label": label ? "Open in Plex" : undefined,
      },
      "Plex",
      h(Icon, { name: "away" }),
    );
  }

  /** Asks whether it is meant; the number is in the words. */
  function Confirm({ title, text, button, busy, onYes, onNo }) {
    return h(
      Modal,
      { show: true, onHide: onNo, centered: true, "aria-labelledby": "plexsync-confirm" },
      h(Modal.Header, null, h(Modal.Title, { id: "plexsync-confirm", as: "h4" }, title)),
      h(Modal.Body, null, text),
      h(
        Modal.Footer,
        null,
        h(Button, { variant: "secondary", onClick: onNo }, "Cancel"),
        h(Button, { variant: "danger", disabled: busy, onClick: onYes }, button),
      ),
    );
  }

  function Dialog({ title, onClose, footer, children }) {
    return h(
      Modal,
      {
        show: true,
        onHide: onClose,
        size: "lg",
        scrollable: true,
        "aria-labelledby": "plexsync-dialog",
      },
      h(
        Modal.Header,
        { closeButton: true, closeLabel: "Close" },
        h(Modal.Title, { id: "plexsync-dialog", as: "h4" }, title),
      ),
      h(Modal.Body, { className: "plexsync" }, children),
      footer && h(Modal.Footer, null, footer),
    );
  }

  function Cover({ scene }) {
    const address = scene && scene.paths.screenshot ? webAddress(scene.paths.screenshot) : "";
    if (!address) return h("div", { className: "plexsync-cover" });
    return h("img", { className: "plexsync-cover", src: address, alt: "", loading: "lazy" });
  }

  function SceneName({ id, scene }) {
    const more =
      scene && [scene.studio && scene.studio.name, scene.date].filter(Boolean).join(" · ");
    return h(
      Fragment,
      null,
      h("div", { className: "plexsync-title" }, sceneTitle(id, scene)),
      h("div", { className: "plexsync-dim" }, `#${id}`, more ? ` · ${more}` : ""),
    );
  }

  // ---------------------------------------------------------------------------------- field diffs

  /** One side of a diff; of lists, what the other side lacks is marked. */
  function Value({ value, other, kind }) {
    if (Array.isArray(value)) {
      if (!value.length) return h("span", { className: "plexsync-dim" }, "empty");
      const lacks = (name) => !(Array.isArray(other) && other.includes(name));
      return value.map((name, place) =>
        h(
          "span",
          { key: place, className: `plexsync-name ${lacks(name) ? kind : ""}` },
          String(name),
        ),
      );
    }
    if (value === "" || value === null || value === undefined) {
      return h("span", { className: "plexsync-dim" }, "empty");
    }
    return h("span", { className: kind }, String(value));
  }

  function FieldRow({ field }) {
    const picture = field.now === "" && field.then === "";
    const cell = (label, value, other, kind) =>
      h("td", { role: "cell", "data-label": label }, h(Value, { value, other, kind }));
    return h(
      "tr",
      { role: "row", className: field.changes ? "" : "plexsync-same" },
      h("th", { role: "rowheader", scope: "row" }, field.field),
      picture
        ? h("td", { role: "cell", colSpan: 2 }, field.changes ? "another picture" : "as it is")
        : cell("In Plex", field.now, field.then, field.changes ? "plexsync-gone" : ""),
      picture ? null : cell("Would be", field.then, field.now, field.changes ? "plexsync-new" : ""),
      h("td", { role: "cell", "data-label": "Why", className: "plexsync-dim" }, field.why),
    );
  }

  /** What a sync would do to one Plex item. */
  function Diff({ item }) {
    const heads = ["Field", "In Plex", "Would be", "Why"];
    return h(
      "div",
      { className: "plexsync-diff" },
      h("div", { className: "plexsync-path" }, item.part),
      h(
        "table",
        { className: "plexsync-table", role: "table", "aria-label": `Changes of ${item.part}` },
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            heads.map((head) => h("th", { key: head, role: "columnheader", scope: "col" }, head)),
          ),
        ),
        h(
          "tbody",
          { role: "rowgroup" },
          item.fields.map((field) => h(FieldRow, { key: field.field, field })),
        ),
      ),
    );
  }

  function itemsWithFields(plan) {
    return plan.items.filter((item) => item.fields.length);
  }

  function Plan({ plan }) {
    return h(
      Fragment,
      null,
      h("p", null, `${capital(plan.words)}${plan.detail ? `: ${plan.detail}` : "."}`),
      itemsWithFields(plan).map((item) => h(Diff, { key: item.rating_key, item })),
    );
  }

  /** What a sync of one scene would change, before anything is written. */
  function PreviewDialog({ id, title, onClose, onSync }) {
    const wanted = useAlive();
    const [found, setFound] = useState({ plan: null, error: "" });
    useEffect(() => {
      command("preview", { scenes: [id], forced: true }, wanted)
        .then((answer) => answer && setFound({ plan: answer.scenes[0], error: "" }))
        .catch((problem) => wanted() && setFound({ plan: null, error: sentence(problem) }));
    }, [id]);
    const { plan, error } = found;
    const changes = plan && plan.outcome === "changes";
    const footer = h(
      Fragment,
      null,
      h(Button, { variant: "secondary", onClick: onClose }, "Close"),
      changes && h(Button, { onClick: onSync }, "Sync now"),
    );
    return h(
      Dialog,
      { title: `Preview of ${title}`, onClose, footer },
      error ? h(Problem, { text: error }) : !plan ? h(Busy, null, "Comparing with Plex ...") : null,
      plan && h(Plan, { plan }),
    );
  }

  function fileSize({ size }) {
    return size ? counted(size, "byte") : "size unknown";
  }

  /** Name the Plex item of a scene: one of the candidates, or the path of its file. */
  function PinDialog({ id, title, candidates, linkOf, onClose, onPin }) {
    const choices = candidates.filter((each) => each.rating_key);
    const [chosen, setChosen] = useState(choices.length ? 0 : -1);
    const [path, setPath] = useState("");
    const choice = choices[chosen];
    const pin = choice ? { part: choice.part, rating_key: choice.rating_key } : { part: path.trim() };
    const submit = (event) => {
      event.preventDefault();
      if (pin.part) onPin({ scene: id, ...pin });
    };
    const radio = (place, label, more) =>
      h(
        "div",
        { key: place, className: "plexsync-choice" },
        h(Form.Check, {
          type: "radio",
          name: "plexsync-pin",
          id: `plexsync-pin-${place}`,
          label,
          checked: chosen === place,
          onChange: () => setChosen(place),
        }),
        more,
      );
    return h(
      Dialog,
      { title: `Which Plex item is ${title}?`, onClose },
      h(
        "form",
        { onSubmit: submit },
        choices.map((each, place) =>
          radio(place, `${each.part} (${fileSize(each)})`, h(PlexLink, { href: linkOf(each.rating_key) })),
        ),
        radio(-1, "The item that holds this file:"),
        h(Form.Control, {
          "aria-label": "Path of the item's file, as Plex sees it",
          placeholder: "/movies/a.mp4",
          className: "text-input",
          value: path,
          onFocus: () => setChosen(-1),
          onChange: (event) => setPath(event.target.value),
        }),
        h(
          "div",
          { className: "plexsync-foot" },
          h(Button, { variant: "secondary", onClick: onClose }, "Cancel"),
          h(Button, { type: "submit", disabled: !pin.part }, "Pin and sync"),
        ),
      ),
    );
  }

  // -------------------------------------------------------------------------------------- tables

  const DESCENDING = /^newest$|_desc$/;

  function SortHead({ column, sort, onSort }) {
    const at = column.sorts ? column.sorts.indexOf(sort) : -1;
    const direction = at < 0 ? "none" : DESCENDING.test(sort) ? "descending" : "ascending";
    if (!column.sorts) {
      const label = column.hidden
        ? h("span", { className: "sr-only" }, column.label)
        : column.label;
      return h("th", { role: "columnheader", scope: "col" }, label);
    }
    const next = column.sorts[(at + 1) % column.sorts.length];
    return h(
      "th",
      { role: "columnheader", scope: "col", "aria-sort": direction },
      h(
        "button",
        { type: "button", className: "plexsync-sort", onClick: () => onSort(next) },
        column.label,
        at >= 0 && h(Icon, { name: direction === "descending" ? "down" : "up" }),
      ),
    );
  }

  /** A table that becomes a list of cards where there is no room for columns. */
  function DataTable({ name, columns, rows, sort, onSort, busy, empty }) {
    return h(
      Fragment,
      null,
      h(
        "table",
        {
          className: "plexsync-table plexsync-cards",
          role: "table",
          "aria-label": name,
          "aria-busy": busy,
        },
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            columns.map((column) => h(SortHead, { key: column.label, column, sort, onSort })),
          ),
        ),
        h(
          "tbody",
          { role: "rowgroup" },
          rows.map((row) =>
            h(
              "tr",
              { key: row.scene, role: "row", "data-scene": row.scene },
              row.cells.map((cell, place) =>
                h(
                  "td",
                  {
                    key: place,
                    role: "cell",
                    "data-label": columns[place].hidden ? "" : columns[place].label,
                  },
                  cell,
                ),
              ),
            ),
          ),
        ),
      ),
      !rows.length && h("p", { className: "plexsync-empty" }, busy ? "Loading ..." : empty),
    );
  }

  function Pager({ total, offset, onPage: show }) {
    const nav = useRef(null);
    if (total <= ROWS && !offset) return null;
    const last = Math.min(total, offset + ROWS);
    const onPage = (first) => {
      show(first);
      const table = nav.current && nav.current.parentNode;
      if (table && table.scrollIntoView) table.scrollIntoView({ block: "start" });
    };
    return h(
      "nav",
      { ref: nav, className: "plexsync-pager", "aria-label": "Pages" },
      h(
        Button,
        {
          size: "sm",
          variant: "secondary",
          "aria-label": "First page",
          disabled: !offset,
          onClick: () => onPage(0),
        },
        "«",
      ),
      h(
        Button,
        {
          size: "sm",
          variant: "secondary",
          "aria-label": "Previous page",
          disabled: !offset,
          onClick: () => onPage(Math.max(0, offset - ROWS)),
        },
        "‹ Previous",
      ),
      h(
        "span",
        { "aria-live": "polite" },
        `${number(offset + 1)}–${number(last)} of ${number(total)}`,
      ),
      h(
        Button,
        {
          size: "sm",
          variant: "secondary",
          "aria-label": "Next page",
          disabled: last >= total,
          onClick: () => onPage(offset + ROWS),
        },
        "Next ›",
      ),
    );
  }

  /** The search box: what is typed counts half a second after the last key. */
  function Search({ onSearch }) {
    const [text, setText] = useState("");
    const first = useRef(true);
    useEffect(() => {
      if (first.current) {
        first.current = false;
        return undefined;
      }
      const timer = setTimeout(() => onSearch(text.trim()), 500);
      return () => clearTimeout(timer);
    }, [text]);
    return h(Form.Control, {
      type: "search",
      size: "sm",
      className: "text-input plexsync-search",
      placeholder: "Title or number",
      "aria-label": "Title or number",
      value: text,
      onChange: (event) => setText(event.target.value),
    });
  }

  /** How many rows there are of a class, or of all. */
  function countOf(classes, error) {
    const chosen = error ? classes.filter((each) => each.class === error) : classes;
    return chosen.reduce((sum, each) => sum + each.count, 0);
  }

  /** A class in words; one without rows by its name. */
  function wordsOf(classes, error) {
    const found = classes.find((each) => each.class === error);
    return found ? found.words : error;
  }

  function ClassFilter({ classes, value, onChange }) {
    const gone = value && !classes.some((each) => each.class === value);
    const listed = gone ? [...classes, { class: value, words: value, count: 0 }] : classes;
    return h(
      Form.Control,
      {
        as: "select",
        size: "sm",
        className: "btn-secondary plexsync-select",
        "aria-label": "Class",
        value,
        onChange: (event) => onChange(event.target.value),
      },
      h("option", { value: "" }, "All reasons"),
      listed.map((each) =>
        h(
          "option",
          { key: each.class, value: each.class },
          `${each.words} (${number(each.count)})`,
        ),
      ),
    );
  }

  /**
   * A table's page as the server has it. `revision` changes when something there has changed.
   * Filters and order are arguments of the operation, so that ten thousand rows cost no more.
   * It is busy while what is shown is not what was wished for.
   */
  function useTable(mode, firstSort, revision) {
    const [wish, setWish] = useState({ offset: 0, error: "", sort: firstSort, search: "" });
    const change = useCallback((more) => setWish((old) => ({ ...old, offset: 0, ...more })), []);
    const ask = useCallback(async () => {
      const args = { offset: wish.offset, limit: ROWS, sort: wish.sort };
      if (wish.error) args.class = wish.error;
      if (!wish.search) return { ...(await operation(mode, args)), wish };
      const { ids, more } = await searchScenes(wish.search);
      if (!ids.length) return { ...(await operation(mode, { limit: 1 })), ...NOTHING, wish };
      return { ...(await operation(mode, { ...args, scenes: ids })), tooMany: more, wish };
    }, [mode, wish, revision]);
    const { data, error, again } = useLook(ask, 0);
    const busy = !error && (!data || data.wish !== wish);
    const total = data ? data.total : 0;
    useEffect(() => {
      // What was on the last page may be done meanwhile.
      if (!busy && wish.offset && wish.offset >= total) change({});
    }, [busy, total]);
    return { data, error, again, busy, wish, change };
  }

  const NOTHING = { total: 0, dead_letters: [], jobs: [], tooMany: false };

  function TableTools({ table, classes, children }) {
    return h(
      "div",
      { className: "plexsync-tools", role: "search" },
      h(Search, { onSearch: (search) => table.change({ search }) }),
      h(ClassFilter, {
        classes,
        value: table.wish.error,
        onChange: (error) => table.change({ error }),
      }),
      h("div", { className: "plexsync-push" }),
      children,
    );
  }

  /** What the rows of a table need besides: the scenes, and where they are in Plex. */
  function useRows(ids) {
    const scenes = useScenes(ids);
    const key = ids.join(",");
    const states = useOnce(
      useCallback(() => (key ? operation("scene_state", { scenes: key.split(",") }) : null), [key]),
    );
    const linkOf = usePlexLinks(states && states.server);
    const keys = {};
    for (const state of (states && states.scenes) || []) {
      if (state.targets.length) keys[state.scene] = state.targets[0].rating_key;
    }
    return { scenes, linkOf, plex: (id) => linkOf(keys[id]) };
  }

  /** What can be done with the scene of a row; its title is in the name that is read out. */
  function RowButton({ label, title, busy, onClick, variant }) {
    return h(
      Button,
      {
        size: "sm",
        variant: variant || "secondary",
        disabled: Boolean(busy),
        onClick,
        "aria-label": `${label}: ${title}`,
      },
      label,
    );
  }

  function RowLinks({ id, scene, plex }) {
    return h(
      Fragment,
      null,
      scene !== null &&
        h(
          Link,
          { to: `/scenes/${id}`, className: "plexsync-link", "aria-label": "Open in Stash" },
          "Stash",
        ),
      h(PlexLink, { href: plex, label: true }),
    );
  }

  function Why({ error, words, message, children }) {
    return h(
      Fragment,
      null,
      h(
        Badge,
        { variant: error === "AmbiguousMatch" ? "warning" : "secondary", title: error },
        words,
      ),
      h("div", { className: "plexsync-message" }, message),
      children,
    );
  }

  function Candidates({ candidates, paths, linkOf }) {
    if (!candidates.length && !paths.length) return null;
    const files = candidates.length ? candidates : paths.map((part) => ({ part }));
    return h(
      "details",
      { className: "plexsync-more" },
      h("summary", null, counted(files.length, candidates.length ? "candidate" : "file")),
      h(
        "ul",
        null,
        files.map(({ part, rating_key: key }, place) =>
          h("li", { key: place }, part, " ", Boolean(key) && h(PlexLink, { href: linkOf(key) })),
        ),
      ),
    );
  }

  /** Opens the dialogs of a row: a preview, or the choice of the right item. */
  function useDialogs(act, changed) {
    const [open, setOpen] = useState(null);
    const close = useCallback(() => setOpen(null), []);
    const sync = (id) =>
      act(`sync ${id}`, async (wanted) => {
        close();
        await command("sync", { scenes: [id] }, wanted);
        changed();
        return "The scene is synced now.";
      });
    const pin = (args) =>
      act(`pin ${args.scene}`, async (wanted) => {
        close();
        await command("pin", args, wanted);
        changed();
        return "Pinned; the scene is synced now.";
      });
    const dialog =
      open &&
      (open.kind === "preview"
        ? h(PreviewDialog, {
            id: open.id,
            title: open.title,
            onClose: close,
            onSync: () => sync(open.id),
          })
        : h(PinDialog, { ...open, onClose: close, onPin: pin }));
    return { dialog, sync, open: setOpen };
  }

  // --------------------------------------------------------------------------------------- queue

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
    if (job.not_before <= Date.now() / 1000) return "at its turn";
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

  /** Brings back what was cleared last, queue or dead letters. */
  function RestoreButton({ tasks, startTask }) {
    const [asking, setAsking] = useState(false);
    const restore = () => {
      setAsking(false);
      startTask("restore_removed");
    };
    return h(
      Fragment,
      null,
      h(
        Button,
        {
          size: "sm",
          variant: "secondary",
          disabled: Boolean(tasks.running),
          onClick: () => setAsking(true),
        },
        `${TASKS.restore_removed} ...`,
      ),
      asking &&
        h(Confirm, {
          title: "Bring back what was removed last?",
          text: "The youngest copy of the last 7 days would be put back, whether it holds jobs or dead letters. What is there already stays as it is.",
          button: TASKS.restore_removed,
          onYes: restore,
          onNo: () => setAsking(false),
        }),
    );
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
        h(
          Button,
          {
            size: "sm",
            variant: "danger",
            disabled: !everything || Boolean(busy),
            onClick: () => setAsking(true),
          },
          "Clear the queue ...",
        ),
        h(RestoreButton, { tasks, startTask }),
      ),
      h(Problem, { text: table.error, again: table.again }),
      data && data.tooMany && h(TooMany),
      data && h(Beside, { data }),
      h(DataTable, {
        name: "Queue",
        columns: QUEUE_COLUMNS,
        rows: jobs.map((job) => queueRow(job, rows, dialogs, busy, Boolean(status && status.trouble))),
        sort: table.wish.sort,
        onSort: (sort) => table.change({ sort }),
        busy: table.busy,
        empty: filtered(table)
          ? "Nothing in the queue fits."
          : "Nothing waits: every edit is in Plex.",
      }),
      h(Pager, {
        total: data ? data.total : 0,
        offset: table.wish.offset,
        onPage: (offset) => table.change({ offset }),
      }),
      dialogs.dialog,
      asking &&
        h(Confirm, {
          title: "Clear the queue?",
          text: `${counted(everything, "waiting job")} would be removed. These scenes are then synced only when somebody edits them. A copy is kept for 7 days; neither Stash nor Plex is changed.`,
          button: `Clear ${counted(everything, "job")}`,
          busy: Boolean(busy),
          onYes: clear,
          onNo: () => setAsking(false),
        }),
    );
  }

  function filtered(table) {
    return Boolean(table.wish.error || table.wish.search);
  }

  function TooMany() {
    return h(
      Note,
      { tone: "warn" },
      `More than ${MOST_FOUND} scenes in Stash fit these words; only the first of them were looked for.`,
    );
  }

  /** What feeds the queue besides. */
  function Beside({ data }) {
    const parts = [];
    if (data.inbox)
      parts.push(`${counted(data.inbox, "event")} not taken over yet`);
    if (data.backfills.length)
      parts.push(
        `${counted(data.backfills.length, "run")} over many scenes, which add jobs bit by bit`,
      );
    if (!parts.length) return null;
    return h("p", { className: "plexsync-dim" }, `Besides: ${parts.join("; ")}.`);
  }

  // -------------------------------------------------------------------------------- dead letters

  const DEAD_LETTER_COLUMNS = [
    { label: "Cover", hidden: true },
    { label: "Scene", sorts: ["scene", "scene_desc"] },
    { label: "Why", sorts: ["class", "class_desc"] },
    { label: "Since", sorts: ["newest", "oldest"] },
    { label: "Tries" },
    { label: "Actions", hidden: true },
  ];

  function deadLetterRow(deadLetter, rows, dialogs, retry, busy) {
    const id = deadLetter.scene;
    const scene = rows.scenes[id];
    const title = sceneTitle(id, scene);
    const candidates = deadLetter.candidates || [];
    const button = (label, onClick, variant) =>
      h(RowButton, { label, title, busy, onClick, variant });
    const pin = () => dialogs.open({ kind: "pin", id, title, candidates, linkOf: rows.linkOf });
    return {
      scene: id,
      cells: [
        h(Cover, { scene }),
        h(SceneName, { id, scene }),
        h(
          Why,
          { error: deadLetter.error, words: deadLetter.class_words, message: deadLetter.message },
          h(Candidates, { candidates, paths: deadLetter.paths || [], linkOf: rows.linkOf }),
        ),
        h(Time, { at: deadLetter.buried_at }),
        number(sumOf(deadLetter.attempts)),
        h(
          "div",
          { className: "plexsync-actions" },
          button("Retry", () => retry(id)),
          deadLetter.error === "AmbiguousMatch" && button("Pin", pin, "primary"),
          button("Preview", () => dialogs.open({ kind: "preview", id, title })),
          h(RowLinks, { id, scene, plex: rows.plex(id) }),
        ),
      ],
    };
  }

  function DeadLettersView({ status, changed, tasks, startTask }) {
    const counts = status && status.dead_letters ? status.dead_letters.by_class : {};
    const given = (status && status.statistics && status.statistics.failed) || null;
    const table = useTable("dead_letters", "newest", JSON.stringify([counts, given]));
    const { data } = table;
    const classes = (data && data.classes) || [];
    const deadLetters = (data && data.dead_letters) || [];
    const rows = useRows(deadLetters.map((deadLetter) => deadLetter.scene));
    const [busy, act] = useAct();
    const [asking, setAsking] = useState(false);
    const refresh = () => {
      table.again();
      changed();
    };
    const dialogs = useDialogs(act, refresh);
    const { error } = table.wish;
    const searching = Boolean(table.wish.search);
    const onlyWhole = "This acts on all dead letters of a class: empty the search first.";
    const chosen = countOf(classes, error);
    const words = error ? `${number(chosen)} “${wordsOf(classes, error)}”` : number(chosen);

    const retry = (scene) =>
      act(`retry ${scene}`, async (wanted) => {
        await command("retry", { scene }, wanted);
        refresh();
        return "The scene is tried again; its dead letter goes when it is in step.";
      });
    const retryAll = () =>
      act("retry all", async (wanted) => {
        let queued = 0;
        let failure = null;
        for (const each of error ? [error] : classes.map((known) => known.class)) {
          try {
            const answer = await command("retry_class", { class: each }, wanted);
            queued += answer ? answer.queued + answer.already_queued : 0;
          } catch (problem) {
            failure = problem; // perhaps the last dead letter of this class has just gone
          }
        }
        refresh();
        if (failure && !queued) throw failure;
        return `${counted(queued, "scene")} queued again.`;
      });
    const clear = () =>
      act("clear", async (wanted) => {
        const args = error ? { what: "dead_letters", class: error } : { what: "dead_letters" };
        const answer = await command("clear", args, wanted);
        if (wanted()) setAsking(false);
        refresh();
        return (
          answer && `${counted(answer.removed, "dead letter")} removed; ${COMES_BACK}.`
        );
      });

    return h(
      "div",
      { className: "plexsync-list" },
      h(
        TableTools,
        { table, classes },
        h(
          Button,
          {
            size: "sm",
            variant: "secondary",
            disabled: !chosen || searching || Boolean(busy),
            title: searching ? onlyWhole : "",
            onClick: retryAll,
          },
          `Retry all ${number(chosen)}`,
        ),
        h(
          Button,
          {
            size: "sm",
            variant: "danger",
            disabled: !chosen || searching || Boolean(busy),
            title: searching ? onlyWhole : "",
            onClick: () => setAsking(true),
          },
          `Clear ${number(chosen)} ...`,
        ),
        h(RestoreButton, { tasks, startTask }),
      ),
      h(Problem, { text: table.error, again: table.again }),
      data && data.tooMany && h(TooMany),
      h(DataTable, {
        name: "Dead letters",
        columns: DEAD_LETTER_COLUMNS,
        rows: deadLetters.map((deadLetter) => deadLetterRow(deadLetter, rows, dialogs, retry, busy)),
        sort: table.wish.sort,
        onSort: (sort) => table.change({ sort }),
        busy: table.busy,
        empty: filtered(table) ? "No dead letter fits." : "No dead letters: nobody needs you.",
      }),
      h(Pager, {
        total: data ? data.total : 0,
        offset: table.wish.offset,
        onPage: (offset) => table.change({ offset }),
      }),
      dialogs.dialog,
      asking &&
        h(Confirm, {
          title: "Clear dead letters?",
          text: `${words} dead ${chosen === 1 ? "letter" : "letters"} would be removed. Their scenes are then tried again only when somebody edits them. A copy is kept for 7 days; neither Stash nor Plex is changed.`,
          button: `Clear ${counted(chosen, "dead letter")}`,
          busy: Boolean(busy),
          onYes: clear,
          onNo: () => setAsking(false),
        }),
    );
  }

  // ------------------------------------------------------------------------------------- preview

  const PREVIEW_SCOPES = [
    ["waiting", "Scenes that wait (the first 50)"],
    ["recent", "The 50 scenes updated last"],
    ["named", "These scenes:"],
  ];

  /** The numbers somebody typed, 50 at most. */
  function typedIds(text) {
    return [...new Set(text.match(/\d{1,15}/g) || [])].map(Number).filter(Boolean).slice(0, 50);
  }

  function PreviewForm({ busy, onPreview }) {
    const [scope, setScope] = useState("waiting");
    const [typed, setTyped] = useState("");
    const [forced, setForced] = useState(true);
    const ids = typedIds(typed);
    const submit = (event) => {
      event.preventDefault();
      onPreview(scope === "named" ? { scenes: ids, forced } : { scope, forced });
    };
    return h(
      "form",
      { onSubmit: submit, className: "plexsync-form" },
      h(
        "fieldset",
        null,
        h("legend", null, "Which scenes"),
        PREVIEW_SCOPES.map(([value, label]) =>
          h(Form.Check, {
            key: value,
            type: "radio",
            name: "plexsync-scope",
            id: `plexsync-scope-${value}`,
            label,
            checked: scope === value,
            onChange: () => setScope(value),
          }),
        ),
        h(Form.Control, {
          size: "sm",
          className: "text-input plexsync-search",
          "aria-label": "Numbers of scenes",
          placeholder: "12, 13, 14",
          value: typed,
          onFocus: () => setScope("named"),
          onChange: (event) => setTyped(event.target.value),
        }),
      ),
      h(Form.Check, {
        type: "checkbox",
        id: "plexsync-forced",
        label: "Compare with Plex itself, also where all was in step",
        checked: forced,
        onChange: (event) => setForced(event.target.checked),
      }),
      h(
        Button,
        { type: "submit", disabled: busy || (scope === "named" && !ids.length) },
        busy ? h(Busy, null, "Comparing ...") : "Preview",
      ),
    );
  }

  function PlanCard({ plan, scene, chosen, onChoose }) {
    const changes = plan.outcome === "changes";
    const title = sceneTitle(plan.scene, scene);
    return h(
      "li",
      { className: "plexsync-plan", "data-scene": plan.scene },
      h(
        "div",
        { className: "plexsync-plan-head" },
        changes &&
          h(Form.Check, {
            type: "checkbox",
            id: `plexsync-plan-${plan.scene}`,
            label: h("span", { className: "sr-only" }, `Sync ${title}`),
            checked: chosen,
            onChange: onChoose,
          }),
        h(Cover, { scene }),
        h("div", { className: "plexsync-push" }, h(SceneName, { id: plan.scene, scene })),
        h(
          Badge,
          { variant: changes ? "primary" : "secondary" },
          capital(plan.words),
        ),
      ),
      plan.detail && h("p", { className: "plexsync-message" }, plan.detail),
      itemsWithFields(plan).map((item) =>
        h(Diff, { key: item.rating_key, item: onlyChanges(item) }),
      ),
    );
  }

  /** Only what would change, unless nothing does. */
  function onlyChanges(item) {
    const fields = item.fields.filter((field) => field.changes);
    return fields.length ? { ...item, fields } : item;
  }

  function previewSummary(found) {
    const changes = found.counts.changes || 0;
    const fields = Object.entries(found.fields).map(([name, count]) => `${name} ${count}`);
    const of = `of ${counted(found.scenes.length, "scene")}`;
    if (!changes) return `Nothing would change: none ${of} differs from Plex.`;
    return `${number(changes)} ${of} would change (${fields.join(", ")}). Nothing is written yet.`;
  }

  function PreviewView({ changed: tellPage }) {
    const [busy, act] = useAct();
    const [found, setFound] = useState(null);
    const [error, setError] = useState("");
    const [left, setLeft] = useState(() => new Set());
    const plans = found ? found.scenes : [];
    const scenes = useScenes(plans.map((plan) => plan.scene));
    const wished = plans
      .filter((p) => p.outcome === "changes" && !left.has(p.scene))
      .map((p) => p.scene);

    const preview = (args) =>
      act("preview", async (wanted) => {
        setError("");
        try {
          const answer = await command("preview", args, wanted);
          if (!answer) return;
          setFound(answer);
          setLeft(new Set());
        } catch (problem) {
          if (wanted()) {
            setFound(null);
            setError(sentence(problem));
          }
        }
      });
    const sync = () =>
      act("sync", async (wanted) => {
        await command("sync", { scenes: wished }, wanted);
        if (wanted()) setFound(null);
        tellPage();
        return `${counted(wished.length, "scene")} queued: Plex has them in a moment.`;
      });
    const choose = (scene) =>
      setLeft((old) => {
        const next = new Set(old);
        if (!next.delete(scene)) next.add(scene);
        return next;
      });
    const shown = [
      ...plans.filter((plan) => plan.outcome === "changes"),
      ...plans.filter((plan) => plan.outcome !== "changes" && plan.outcome !== "in step"),
    ];
    const inStep = plans.filter((plan) => plan.outcome === "in step");
    return h(
      "div",
      null,
      h(
        Box,
        { title: "What a sync would change" },
        h(PreviewForm, { busy: busy === "preview", onPreview: preview }),
      ),
      h(Problem, { text: error }),
      found &&
        h(
          "div",
          { className: "plexsync-tools" },
          h("p", { className: "plexsync-push", role: "status" }, previewSummary(found)),
          found.counts.changes > 0 &&
            h(
              Button,
              { disabled: !wished.length || Boolean(busy), onClick: sync },
              `Sync these ${number(wished.length)}`,
            ),
        ),
      h(
        "ul",
        { className: "plexsync-plans", "aria-label": "Previewed scenes" },
        shown.map((plan) =>
          h(PlanCard, {
            key: plan.scene,
            plan,
            scene: scenes[plan.scene],
            chosen: !left.has(plan.scene),
            onChoose: () => choose(plan.scene),
          }),
        ),
      ),
      inStep.length > 0 &&
        h(
          "details",
          { className: "plexsync-more" },
          h("summary", null, `${counted(inStep.length, "scene")} in step`),
          h(
            "ul",
            null,
            inStep.map((plan) =>
              h(
                "li",
                { key: plan.scene },
                `#${plan.scene} ${sceneTitle(plan.scene, scenes[plan.scene])}`,
              ),
            ),
          ),
        ),
    );
  }

  // -------------------------------------------------------------------------------------- set-up

  /** What a point says stands behind its name in the log, but on a line of its own here. */
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

  /** Gives the data folder to this Stash; where it has it already, nothing happens. */
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
          ? `This Stash is adopted: ${TASKS.sync_all} brings all of its scenes into Plex.`
          : "The data folder belongs to this Stash already; nothing was changed.";
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
          text: "After a new database, or when this Stash takes the place of another one: which scenes the other one had is forgotten, with their waiting jobs, dead letters and pins. Copies are kept for 7 days, and what Plex had before PlexSync wrote stays known. Neither Stash nor Plex is changed.",
          button: "Adopt This Stash",
          busy: Boolean(busy),
          onYes: adopt,
          onNo: () => setAsking(false),
        }),
    );
  }

  function SetUpView({ tasks, startTask, changed }) {
    const asked = tasks.running ? tasks.running.id : tasks.result;
    const ask = useCallback(() => operation("report", { task: "check_setup" }), [asked]);
    const { data: report, error, again } = useLook(ask, 0);
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
      "div",
      null,
      h(
        "div",
        { className: "plexsync-tools" },
        h(
          "p",
          { className: "plexsync-push" },
          !report
            ? ""
            : report.state === "unknown"
              ? "Nothing was checked yet. The check looks at everything PlexSync depends on and changes nothing."
              : h(Fragment, null, "Checked ", h(Time, { at: report.ended_at }), "."),
        ),
        h(AdoptStash, { changed }),
        h(Link, { to: SETTINGS_PAGE, className: "btn btn-secondary" }, "Settings"),
        h(
          Button,
          { disabled: Boolean(tasks.running), onClick: () => startTask("check_setup") },
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
    );
  }

  // ------------------------------------------------------------------------------------ timeline

  const SPANS = [
    ["24 hours", 86400],
    ["7 days", 7 * 86400],
    ["30 days", 30 * 86400],
  ];
  const WIDE = 1000;
  const THINNEST = 3;

  /** Five marks of an axis from `start` to `end`, in words. */
  function axisMarks(start, end) {
    const day = end - start > 2 * 86400;
    return [0, 1, 2, 3, 4].map((step) => {
      const when = new Date((start + ((end - start) * step) / 4) * 1000);
      if (step === 4) return "now";
      return day
        ? when.toLocaleDateString([], { day: "numeric", month: "short" })
        : when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    });
  }

  function Axis({ start, end }) {
    return h(
      "div",
      { className: "plexsync-axis", "aria-hidden": true },
      axisMarks(start, end).map((text, place) => h("span", { key: place }, text)),
    );
  }

  /** Where an outage lies in the drawing; null outside of it. */
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
      outage.end == null ? "and it lasts" : `for ${duration(outage.end - outage.start)}`;
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
            ` (${counted(outage.jobs_affected || 0, "scene")} held up,`,
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
          { label: "Availability", title: "The part of the observed time without an outage" },
          data.observed_since === null ? "–" : percent(data.availability),
        ),
        h(
          Figure,
          { label: "MTTR", title: "Mean time to recovery" },
          data.mttr === null ? "–" : duration(data.mttr),
        ),
        h(
          Figure,
          { label: "MTBF", title: "Mean time between failures" },
          data.mtbf === null ? "–" : duration(data.mtbf),
        ),
        h(
          Figure,
          { label: "On record" },
          data.outages.length ? number(data.outages.length) : "none",
        ),
      ),
      h(OutageList, { outages: data.outages }),
    );
  }

  const CHART_SPAN = 12 * 3600;
  const CHART_HIGH = 60;

  /** Jobs done in each ten minutes of the last hours; those that failed stand on top. */
  function Throughput({ data }) {
    const end = (Math.floor(data.now / data.seconds) + 1) * data.seconds;
    const start = end - CHART_SPAN;
    const slices = data.slices.filter((slice) => slice.at >= start && slice.at < end);
    const highest = Math.max(1, ...slices.map((slice) => slice.done + slice.failed));
    const wide = WIDE / (CHART_SPAN / data.seconds);
    const total = slices.reduce((sum, slice) => sum + slice.done, 0);
    const failed = slices.reduce((sum, slice) => sum + slice.failed, 0);
    const words = `${counted(total, "scene")} done${failed ? `, ${number(failed)} failed` : ""} in 12 hours`;
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
            h("title", null, `${clockTime(slice.at)}: ${slice.done} done, ${slice.failed} failed`),
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
          slices.map((slice) => bar(slice, slice.done, 0, "plexsync-done")),
          slices.map((slice) => bar(slice, slice.failed, slice.done, "plexsync-down")),
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
    const { data, error, again } = useLook(ask, EVERY.history);
    if (error && !data) return h(Problem, { text: error, again });
    if (!data) return null;
    return h(
      Fragment,
      null,
      h(Timeline, { data: data.outages }),
      h(Throughput, { data: data.throughput }),
    );
  }

  // ------------------------------------------------------------------------------------ overview

  function Tile({ title, tone, value, children }) {
    return h(
      "div",
      { className: `plexsync-tile plexsync-tone-${tone || "none"}` },
      h("dt", null, title),
      h("dd", { className: "plexsync-value" }, value),
      h("dd", { className: "plexsync-dim" }, children),
    );
  }

  function PlexTile({ status, health }) {
    const { checks } = status;
    const last = health && health.state === "done" ? health.output : null;
    const newest = last && (!checks.last || health.ended_at >= checks.last) ? last : null;
    let tone = "ok";
    let value = "Healthy";
    if (status.trouble) [tone, value] = ["bad", status.trouble.title];
    else if (newest && newest.state !== "healthy")
      [tone, value] = ["bad", newest.title || capital(newest.state)];
    else if (!newest && !status.statistics.last) [tone, value] = ["none", "Not looked at yet"];
    return h(
      Tile,
      { title: "Plex", tone, value },
      status.trouble
        ? `${capital(status.trouble.words)}.`
        : last
          ? h(
              Fragment,
              null,
              `Answered in ${milliseconds(last.latency)}, `,
              h(Time, { at: health.ended_at }),
              ".",
            )
          : "Press Health Check to measure its latency.",
      checks.next && ` Next look ${ahead(checks.next, status.now)}.`,
    );
  }

  function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  function BreakerTile({ status }) {
    const { state, since, failures, reason, retry_at: retryAt } = status.breaker;
    const names = { CLOSED: "Closed", OPEN: "Open", HALF_OPEN: "Half open" };
    const tones = { CLOSED: "ok", OPEN: "bad", HALF_OPEN: "warn" };
    const closed = state === "CLOSED" && !failures;
    return h(
      Tile,
      { title: "Circuit breaker", tone: tones[state], value: names[state] || state },
      closed
        ? "Jobs go to Plex."
        : h(
            Fragment,
            null,
            since && h(Fragment, null, "Since ", h(Time, { at: since }, clockTime(since)), ": "),
            reason || counted(failures, "failure"),
            retryAt && `. Next try ${ahead(retryAt, status.now)}.`,
          ),
    );
  }

  function WorkerTile({ status }) {
    const { worker, queue } = status;
    const due = queue ? queue.due + queue.running + status.inbox : status.inbox;
    if (worker)
      return h(
        Tile,
        { title: "Worker", tone: "ok", value: "Alive" },
        "It works in the background.",
      );
    if (worker === null)
      return h(
        Tile,
        { title: "Worker", tone: "warn", value: "Unknown" },
        "It cannot be told on this disk.",
      );
    if (due) {
      return h(
        Tile,
        { title: "Worker", tone: "warn", value: "Asleep" },
        `${counted(due, "scene")} could be synced: press Process Queue.`,
      );
    }
    return h(
      Tile,
      { title: "Worker", tone: "ok", value: "Asleep" },
      "Nothing is due; the next save wakes it.",
    );
  }

  function QueueTile({ status }) {
    const { queue, inbox, backfills } = status;
    if (!queue) return h(Tile, { title: "Queue", tone: "bad", value: "Unreadable" }, "See below.");
    const waiting = queue.pending + inbox;
    return h(
      Tile,
      { title: "Queue", tone: "none", value: `${number(waiting)} waiting` },
      waiting ? queueWords(status) : backfills.length ? "More is added bit by bit." : "Nothing waits.",
    );
  }

  function untilWhen(trouble) {
    return trouble.settings ? "the settings are right" : "Plex is well again";
  }

  function queueWords(status) {
    const { estimate, next_due: due } = status.queue;
    const work =
      estimate < 1 ? "less than a second of work" : `about ${duration(estimate)} of work`;
    if (status.trouble) return `They go on when ${untilWhen(status.trouble)}: ${work}.`;
    return due ? `The next is tried ${ahead(due, status.now)}; ${work}.` : `${capital(work)}.`;
  }

  function RateTile({ status }) {
    const { ramping, rate, ends_at: endsAt, recoveries, last } = status.recovery;
    if (ramping) {
      return h(
        Tile,
        { title: "Rate", tone: "warn", value: `${rate.toFixed(1)} writes/s` },
        "Gentle phase after an outage, until ",
        h(Time, { at: endsAt }, clockTime(endsAt)),
        ".",
      );
    }
    if (status.trouble) {
      return h(
        Tile,
        { title: "Rate", tone: "none", value: "Held" },
        `Nothing is written until ${untilWhen(status.trouble)}.`,
      );
    }
    return h(
      Tile,
      { title: "Rate", tone: "none", value: "Full speed" },
      recoveries
        ? h(
            Fragment,
            null,
            `Plex came back ${recoveries === 1 ? "once" : `${number(recoveries)} times`}, last `,
            h(Time, { at: last }),
            ".",
          )
        : "Plex has not been away yet.",
    );
  }

  function ReconcileTile({ status }) {
    const kept = status.reconcile || {};
    const running = Object.values(kept.runs || {})[0];
    const run = running || kept.last;
    if (!run)
      return h(
        Tile,
        { title: "Last reconciliation", tone: "none", value: "Never" },
        "Press Reconcile to compare all scenes.",
      );
    const gaps = Object.entries((run.tally && run.tally.found) || {}).filter((pair) => pair[1]);
    const found = gaps.map(([kind, count]) => `${number(count)} ${kind}`).join(", ") || "no gaps";
    const scope = SCOPES[run.order && run.order.scope] || "";
    return h(
      Tile,
      {
        title: "Last reconciliation",
        tone: running ? "warn" : "none",
        value: running ? "Under way" : h(Time, { at: run.started }),
      },
      `${capital(scope)}: ${counted(run.checked, "scene")} compared, ${found}.`,
    );
  }

  function Tiles({ status, health }) {
    return h(
      "dl",
      { className: "plexsync-tiles" },
      h(PlexTile, { status, health }),
      h(BreakerTile, { status }),
      h(WorkerTile, { status }),
      h(QueueTile, { status }),
      h(RateTile, { status }),
      h(ReconcileTile, { status }),
    );
  }

  function Buttons({ tasks, startTask }) {
    const disabled = Boolean(tasks.running);
    const button = (mode, variant) =>
      h(Button, { key: mode, variant, disabled, onClick: () => startTask(mode) }, TASKS[mode]);
    return h(
      "div",
      { className: "plexsync-buttons", role: "group", "aria-label": "Tasks" },
      button("process_queue", "primary"),
      button("health_check", "secondary"),
      h(
        Dropdown,
        null,
        h(
          Dropdown.Toggle,
          { variant: "secondary", id: "plexsync-reconcile", disabled },
          "Reconcile",
        ),
        h(
          Dropdown.Menu,
          { className: "bg-secondary text-white" },
          RECONCILIATIONS.map(([mode, label]) =>
            h(
              Dropdown.Item,
              {
                key: mode,
                as: "button",
                type: "button",
                className: "bg-secondary text-white",
                onClick: () => startTask(mode),
              },
              label,
            ),
          ),
        ),
      ),
      button("recover_outage_jobs", "secondary"),
    );
  }

  function OverviewView({ status, health, tasks, startTask }) {
    if (!status) return null;
    const outages = `${status.outages && status.outages.count} ${status.outages && status.outages.ongoing}`;
    return h(
      Fragment,
      null,
      h(Buttons, { tasks, startTask }),
      h(Tiles, { status, health }),
      status.problems.map((problem) => h(Note, { key: problem, tone: "warn" }, problem)),
      h(History, { revision: outages }),
      status.log.length > 0 &&
        h(
          "details",
          { className: "plexsync-more plexsync-log" },
          h("summary", null, "The worker's last words"),
          h("pre", null, status.log.join("\n")),
        ),
    );
  }

  // ---------------------------------------------------------------------------------- the page

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
          waits ? "waits behind other tasks of Stash" : `${share} %`,
        ),
        h(Button, { size: "sm", variant: "secondary", onClick: onStop }, "Stop"),
      ),
      h(
        "div",
        { className: "progress" },
        h("div", {
          className: "progress-bar",
          role: "progressbar",
          "aria-label": TASKS[running.mode],
          "aria-valuemin": 0,
          "aria-valuemax": 100,
          "aria-valuenow": share,
          style: { width: `${share}%` },
        }),
      ),
    );
  }

  /** The lines of a task that matter most: what Check Setup says is a list of its own. */
  function resultLines({ mode, report }) {
    const lines = report ? report.lines : [];
    return mode === "check_setup" ? lines.slice(-1) : lines;
  }

  function ResultWords({ result }) {
    const [whole, setWhole] = useState(false);
    const lines = resultLines(result);
    const shown = whole ? lines : lines.slice(-8);
    const { report } = result;
    let text = "";
    if (result.status === "CANCELLED")
      text = "Stopped. Nothing is lost: what remains is done in the background.";
    else if (result.error) text = result.error;
    else if (!report) text = "It ended without a word: see Settings > Logs.";
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
        shown.map((line, place) =>
          h(
            "li",
            { key: place, "data-level": line.level },
            line.level !== "info" && h(Mark, { tone: line.level === "error" ? "bad" : "warn" }),
            line.text,
          ),
        ),
        text &&
          h("li", { "data-level": report && report.state === "done" ? "info" : "warning" }, text),
      ),
    );
  }

  function Result({ tasks }) {
    const { result } = tasks;
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

  function Headline({ status, inStash, settings, tasks, startTask }) {
    const [tone, text, unmet] = howThingsAre(status, inStash, settings);
    const { trouble } = status;
    const notSetUp = settings && !settings.entered && tone === "bad" && !status.breaker.failures;
    const older = unmet > 0 && !status.backfills.length;
    let more = "";
    if (trouble) more = `${capital(trouble.words)}. ${trouble.remedy}`;
    else if (notSetUp) more = `Enter both in ${GUIDE}, then press Check Setup.`;
    else if (older) {
      const were = unmet === 1 ? "was" : "were";
      more = `${counted(unmet, "scene")} ${were} not saved since PlexSync was installed.`;
    }
    return h(
      "div",
      { className: `plexsync-headline plexsync-tone-${tone}` },
      tone !== "none" && h(Mark, { tone }),
      h(
        "div",
        { role: "status" },
        h("p", { "data-plexsync": "headline" }, text),
        more && h("p", { className: "plexsync-dim" }, more),
      ),
      (notSetUp || (trouble && trouble.settings)) &&
        h(Link, { to: SETTINGS_PAGE, className: "btn btn-primary" }, "Settings"),
      older &&
        tone !== "bad" &&
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
    const status = await operation("status");
    board.tell(status.badge);
    return status;
  };
  const countScenes = async () => (await query(COUNT_SCENES)).findScenes.count;

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
    const { data: status, error, again } = useLook(askStatus, () => pace.current);
    const tasks = useTasks(again);
    pace.current = tasks.running
      ? EVERY.task
      : view === "overview"
        ? EVERY.overview
        : EVERY.elsewhere;
    const settings = useOnce(plexSettings);
    const { data: inStash } = useLook(countScenes, EVERY.history);
    const health = useHealth(tasks.result);
    const [, act] = useAct();
    const startTask = useCallback((mode) => act(mode, () => tasks.start(mode)), []);
    const stopTask = () => act("stop", () => tasks.stop(tasks.running.id).then(() => ""));
    const panes = {
      overview: () => h(OverviewView, { status, health, tasks, startTask }),
      queue: () => h(QueueView, { status, changed: again, tasks, startTask }),
      "dead-letters": () => h(DeadLettersView, { status, changed: again, tasks, startTask }),
      preview: () => h(PreviewView, { changed: again }),
      "set-up": () => h(SetUpView, { tasks, startTask, changed: again }),
    };
    return h(
      "div",
      { className: "plexsync plexsync-page" },
      h("h2", null, "PlexSync"),
      status
        ? h(Headline, { status, inStash, settings, tasks, startTask })
        : !error && h(Busy, null, "Asking PlexSync how things are ..."),
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

  // ------------------------------------------------------------------------------ the navigation

  function useBoard() {
    const [counts, setCounts] = useState(board.counts);
    useEffect(() => {
      board.listeners.add(setCounts);
      setCounts(board.counts);
      return () => board.listeners.delete(setCounts);
    }, []);
    return counts;
  }

  function NavEntry() {
    const { waiting = 0, failed = 0 } = useBoard() || {};
    const parts = [
      waiting && `${number(waiting)} waiting`,
      failed && `${number(failed)} failed`,
    ].filter(Boolean);
    return h(
      Nav.Link,
      {
        eventKey: ADDRESS,
        as: "div",
        className: "col-4 col-sm-3 col-md-2 col-lg-auto plexsync-nav",
      },
      h(
        NavLink,
        {
          to: ADDRESS,
          activeClassName: "active",
          className:
            "minimal p-4 p-xl-2 d-flex d-xl-inline-block flex-column justify-content-between align-items-center btn btn-primary",
          "aria-label": ["PlexSync", ...parts].join(", "),
        },
        h(Icon, { name: "logo", className: "nav-menu-icon d-block d-xl-inline mb-2 mb-xl-0" }),
        h("span", null, "PlexSync"),
        waiting > 0 &&
          h(Badge, { pill: true, variant: "light", title: "waiting" }, number(waiting)),
        failed > 0 && h(Badge, { pill: true, variant: "danger", title: "failed" }, number(failed)),
      ),
    );
  }

  // ------------------------------------------------------------------------------ a scene's page

  /** A scene's state as [tone, words]. */
  function sceneWords(state, away) {
    const { job, dead_letter: deadLetter } = state;
    const since = state.since ? ` since ${clockTime(state.since)}` : "";
    if (state.state === "waiting" && job) {
      if (job.running) return ["warn", "being synced now"];
      if (away) return ["warn", "waiting until Plex is well again"];
      const later = job.not_before > Date.now() / 1000 + 1;
      const when = later
        ? ` until ${clockTime(job.not_before)} (${ahead(job.not_before)})`
        : " for its turn";
      return ["warn", `waiting${when}${job.last_message ? `: ${job.last_message}` : ""}`];
    }
    const candidates = (deadLetter && deadLetter.candidates) || [];
    const more = {
      synced: `${since}${state.detail ? `; ${state.detail}` : ""}`,
      undone: since,
      ambiguous: candidates.length ? `: ${counted(candidates.length, "item")} could be it` : "",
      "not in Plex": "",
      "edited in Plex": `: ${state.edited.join(", ")}`,
    }[state.state];
    const detail = state.detail ? `: ${state.detail}` : "";
    return [state.tone, `${state.words}${more === undefined ? detail : more}`];
  }

  const SETTLING = 12; // seconds after a save in which the worker may still be about to notice it

  function UndoConfirm({ state, busy, onYes, onNo }) {
    const fields = [...new Set(state.targets.flatMap((target) => target.written))];
    return h(Confirm, {
      title: "Put back what Plex had?",
      text: `${counted(fields.length, "field")} that PlexSync wrote (${fields.join(", ")}) would be as before; what somebody changed in Plex since stays. The scene is then synced only when it is edited in Stash or by Sync now.`,
      button: `Put back ${counted(fields.length, "field")}`,
      busy,
      onYes,
      onNo,
    });
  }

  function SceneLine({ id, scene }) {
    const updated = scene.updated_at;
    const title = sceneTitle(id, { title: scene.title, files: scene.files || [] });

    const began = useMemo(() => Date.now(), [id, updated]);
    const ask = useCallback(async () => {
      const { server, away, scenes } = await operation("scene_state", { scenes: [id] });
      return { ...scenes[0], server, away };
    }, [id, updated]);
    const pause = (state) => (state.job || Date.now() - began < SETTLING * 1000 ? EVERY.scene : 0);
    const { data: state, error, again } = useLook(ask, pause);
    const linkOf = usePlexLinks(state && state.server);
    const [busy, act] = useAct();
    const dialogs = useDialogs(act, again);
    const [asking, setAsking] = useState(false);
    const undo = () =>
      act("undo", async (wanted) => {
        const answer = await command("undo", { scene: id }, wanted);
        if (wanted()) setAsking(false);
        again();
        const left = answer ? Object.keys(answer.left).length : 0;
        return left
          ? "Undone, but for fields that somebody changed in Plex since."
          : "Undone: Plex has what it had before.";
      });
    if (error && !state)
      return h("div", { className: "plexsync plexsync-scene" }, h("span", null, `Plex: ${error}`));
    if (!state)
      return h("div", { className: "plexsync plexsync-scene" }, h(Busy, null, "Plex ..."));
    const [tone, words] = sceneWords(state, state.away);
    const written = state.targets.some((target) => target.written.length);
    const target = state.targets[0];
    const candidates = (state.dead_letter && state.dead_letter.candidates) || [];
    const button = (label, onClick, variant) =>
      h(
        Button,
        { size: "sm", variant: variant || "secondary", disabled: Boolean(busy), onClick },
        label,
      );
    return h(
      "section",
      {
        className: "plexsync plexsync-scene",
        "aria-label": "PlexSync",
        "data-plexsync": "scene-line",
      },
      tone !== "none" && h(Mark, { tone }),
      h(
        "span",
        { className: "plexsync-scene-words", role: "status", title: words },
        `Plex: ${words}`,
      ),
      h(
        "span",
        { className: "plexsync-actions" },
        state.state === "ambiguous" &&
          button(
            "Pin",
            () => dialogs.open({ kind: "pin", id, title, candidates, linkOf }),
            "primary",
          ),
        button("Sync now", () => dialogs.sync(id)),
        button("Preview", () => dialogs.open({ kind: "preview", id, title })),
        written && button("Undo", () => setAsking(true)),
        h(PlexLink, { href: target ? linkOf(target.rating_key) : "", label: true }),
      ),
      dialogs.dialog,
      asking &&
        h(UndoConfirm, { state, busy: Boolean(busy), onYes: undo, onNo: () => setAsking(false) }),
    );
  }

  // -------------------------------------------------------------------------------- registration

  function withNavEntry(props) {
    const entry = h(Guard, { key: "plexsync", quiet: true }, h(NavEntry));
    return [{ ...props, children: h(Fragment, null, props.children, entry) }];
  }

  function withSceneLine(props) {
    const id = props.scene && Number(props.scene.id);
    if (!id) return [props];
    const line = h(SceneLine, { key: id, id, scene: props.scene });
    return [
      { ...props, children: h(Fragment, null, h(Guard, { quiet: true }, line), props.children) },
    ];
  }

  PluginApi.register.route(ADDRESS, PlexSyncPage);
  PluginApi.patch.before("MainNavBar.MenuItems", withNavEntry);
  PluginApi.patch.before("ScenePage.TabContent", withSceneLine);
  if (PluginApi.Event) PluginApi.Event.addEventListener("stash:location", moved);
  wakeUp();
})();
