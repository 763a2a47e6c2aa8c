/*
 * The page itself: its headline, its tabs, and its place in Stash.
 */
(function () {
  "use strict";

  const { PlexSync } = window;
  if (!PlexSync) return;

  const { PluginApi, ADDRESS, EVERY, TASKS } = PlexSync.core;
  const { Fragment, useCallback, useRef, useState, createElement: h } = PlexSync.core.React;
  const { Badge, Button, Nav, Tab } = PlexSync.core.Bootstrap;
  const { Link, useHistory, useLocation } = PlexSync.core.Router;
  const { number, counted, howThingsAre, capital } = PlexSync.format;
  const { COUNT_SCENES, query, operation, plexSettings } = PlexSync.api;
  const { board, usePolling, useOnce } = PlexSync.polling;
  const { useAct, Guard, Mark, Busy, Problem } = PlexSync.widgets;
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
    ["dead-letters", "Dead letters"],
    ["preview", "Preview"],
    ["recipes", "What is written"],
    ["set-up", "Set-up"],
    ["settings", "Settings"],
  ];

  function Headline({ view, status, inStash, settings, tasks, startTask }) {
    const [tone, text, unmet] = howThingsAre(status, inStash, settings);
    const { trouble } = status;
    const notSetUp = settings && !settings.entered && tone === "bad" && !status.breaker.failures;
    const older = unmet > 0 && !status.backfills.length && !status.first_sync;
    let more = "";
    if (trouble) more = `${capital(trouble.words)}. ${trouble.remedy}`;
    else if (notSetUp) more = "The set-up takes a few minutes, and can be left at any time.";
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
      view !== "set-up" &&
        (notSetUp || (trouble && trouble.settings)) &&
        h(Link, { to: SET_UP, className: "btn btn-primary" }, "Set-up"),
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
    board.publish(status.badge);
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
    const { data: status, error, again } = usePolling(askStatus, () => pace.current);
    const tasks = useTasks(again);
    pace.current = tasks.running
      ? EVERY.task
      : view === "overview"
        ? EVERY.overview
        : EVERY.elsewhere;
    const [saved, setSaved] = useState(0);
    const settings = useOnce(useCallback(() => plexSettings(), [saved]));
    useSetUpFirst(status);
    const { data: inStash } = usePolling(countScenes, EVERY.history);
    const health = useHealth(tasks.result);
    const [, act] = useAct();
    const startTask = useCallback(
      (mode, args) => act(mode, () => tasks.start(mode, args)),
      [],
    );
    const stopTask = () => act("stop", () => tasks.stop(tasks.running.id).then(() => ""));
    const setUpChanged = useCallback(() => {
      setSaved((times) => times + 1);
      again();
    }, [again]);
    const panes = {
      overview: () => h(OverviewView, { status, inStash, health, tasks, startTask }),
      scenes: () => h(ScenesView, { status, inStash, changed: again, tasks, startTask }),
      queue: () => h(QueueView, { status, changed: again, tasks, startTask }),
      "dead-letters": () => h(DeadLettersView, { status, changed: again, tasks, startTask }),
      preview: () => h(PreviewView, { changed: again }),
      recipes: () => h(RecipesView, { tasks, changed: again }),
      settings: () => h(SettingsView, { changed: again, tasks, startTask }),
      "set-up": () => h(SetUpView, { tasks, startTask, changed: setUpChanged }),
    };
    return h(
      "div",
      { className: "plexsync plexsync-page" },
      h("h2", null, "PlexSync"),
      status && h(Banner, { status, go }),
      status
        ? h(Headline, { view, status, inStash, settings, tasks, startTask })
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
