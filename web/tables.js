/*
 * Shared by the tables of the queue and of dead letters: sorting, paging, searching, actions.
 */
(function () {
  "use strict";

  const { PlexSync } = window;
  if (!PlexSync) return;

  const { TASKS } = PlexSync.core;
  const {
    Fragment,
    useCallback,
    useEffect,
    useRef,
    useState,
    createElement: h,
  } = PlexSync.core.React;
  const { Badge, Button, Form } = PlexSync.core.Bootstrap;
  const { Link } = PlexSync.core.Router;
  const { number, counted } = PlexSync.format;
  const { MOST_FOUND, operation, command, searchScenes } = PlexSync.api;
  const { usePolling, useOnce } = PlexSync.polling;
  const { useScenes, usePlexLinks, Icon, Note, PlexLink, Confirm } = PlexSync.widgets;
  const { PreviewDialog, PinDialog } = PlexSync.diff;

  const ROWS = 25;

  const COMES_BACK = `for 7 days the task ${TASKS.restore_removed} restores it`;

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
   * A page of a table from the server. `revision` changes when the data there has changed.
   * Filters and order are arguments of the operation, so that ten thousand rows cost no more.
   * It is busy while another page than the requested one is shown.
   */
  function useTable(mode, firstSort, revision) {
    const [request, setRequest] = useState({ offset: 0, error: "", sort: firstSort, search: "" });
    const change = useCallback((more) => setRequest((old) => ({ ...old, offset: 0, ...more })), []);
    const ask = useCallback(async () => {
      const args = { offset: request.offset, limit: ROWS, sort: request.sort };
      if (request.error) args.class = request.error;
      if (!request.search) return { ...(await operation(mode, args)), request };
      const { ids, more } = await searchScenes(request.search);
      if (!ids.length) return { ...(await operation(mode, { limit: 1 })), ...NOTHING, request };
      return { ...(await operation(mode, { ...args, scenes: ids })), tooMany: more, request };
    }, [mode, request, revision]);
    const { data, error, again } = usePolling(ask, 0);
    const busy = !error && (!data || data.request !== request);
    const total = data ? data.total : 0;
    useEffect(() => {
      // The rows of the last page may be done by now.
      if (!busy && request.offset && request.offset >= total) change({});
    }, [busy, total]);
    return { data, error, again, busy, request, change };
  }

  const NOTHING = { total: 0, dead_letters: [], jobs: [], tooMany: false };

  function TableTools({ table, classes, children }) {
    return h(
      "div",
      { className: "plexsync-tools", role: "search" },
      h(Search, { onSearch: (search) => table.change({ search }) }),
      h(ClassFilter, {
        classes,
        value: table.request.error,
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

  function Why({ error, tone, words, message, children }) {
    return h(
      Fragment,
      null,
      h(
        Badge,
        { variant: tone === "warn" ? "warning" : "secondary", title: error },
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
          title: "Restore what was last removed?",
          text: "The newest copy of the last 7 days would be restored, whether it holds jobs or dead letters. Existing entries are not changed.",
          button: TASKS.restore_removed,
          onYes: restore,
          onNo: () => setAsking(false),
        }),
    );
  }

  function filtered(table) {
    return Boolean(table.request.error || table.request.search);
  }

  function TooMany() {
    return h(
      Note,
      { tone: "warn" },
      `More than ${MOST_FOUND} scenes in Stash match; only the first of them are shown.`,
    );
  }

  PlexSync.tables = {
    COMES_BACK,
    DataTable,
    Pager,
    countOf,
    wordsOf,
    useTable,
    TableTools,
    useRows,
    RowButton,
    RowLinks,
    Why,
    Candidates,
    useDialogs,
    RestoreButton,
    filtered,
    TooMany,
  };
})();
