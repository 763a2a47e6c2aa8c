/*
 * Formats numbers, times, scenes and the overall state: pure functions, tested in
 * tests/web/format.test.js.
 */
(function () {
  "use strict";

  const { PlexSync } = window;
  if (!PlexSync) return;

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

  /** "14:05", with the day if it is not today. */
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

  /** A name as a pattern takes it after a colon: between quotes where its signs mean something. */
  function quotedName(name) {
    const plain = !/[,|{}]/.test(name) && !/^[-"]/.test(name) && !name.endsWith("/*");
    return plain && name === name.trim() ? name : `"${name.replace(/"/g, '""')}"`;
  }

  const isOpen = (setting) => Boolean(setting) && !setting.secret;

  /** Settings as a file: what differs from the default, without secrets. */
  function writeSettings(shown, known) {
    const kept = Object.entries(shown).filter(([key, value]) => isOpen(known[key]) && value);
    return `${JSON.stringify({ plexsync: Object.fromEntries(kept) }, null, 2)}\n`;
  }

  /** The settings of such a file, every other one as by default; an Error says what is wrong. */
  function readSettings(text, known) {
    let found;
    try {
      found = JSON.parse(text).plexsync;
    } catch (problem) {
      throw new Error("The file is not JSON.");
    }
    if (!found || typeof found !== "object" || Array.isArray(found)) {
      throw new Error("The file holds no settings of PlexSync.");
    }
    const strange = Object.keys(found).find((key) => !isOpen(known[key]));
    if (strange) throw new Error(`The file has a setting that PlexSync does not import: ${strange}`);
    const entries = Object.entries(known).filter(([, setting]) => isOpen(setting));
    return Object.fromEntries(
      entries.map(([key, setting]) => {
        const value = found[key];
        if (setting.kind === "switch") return [key, value === true];
        return [key, value === undefined || value === null ? "" : String(value)];
      }),
    );
  }

  /** The address if a link or picture may use it, otherwise "". */
  function webAddress(text) {
    try {
      const address = new URL(text, document.baseURI);
      return address.protocol === "http:" || address.protocol === "https:" ? address.href : "";
    } catch (problem) {
      return "";
    }
  }

  const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0)$/;

  /** Whether this browser can probably reach this address of Stash's machine. */
  function withinReach(address) {
    const here = window.location.hostname;
    if (LOOPBACK.test(address.hostname)) return LOOPBACK.test(here);
    return /[.:]/.test(address.hostname) || address.hostname === here;
  }

  /** Plex's own page of an item; through plex.tv if only Stash's machine can reach the server. */
  function plexLink(url, server, key) {
    if (!server || !key) return "";
    const item = encodeURIComponent(`/library/metadata/${key}`);
    const hash = `#!/server/${encodeURIComponent(server)}/details?key=${item}`;
    const address = url && webAddress(url) ? new URL(url) : null;
    if (!address || !withinReach(address)) return `https://app.plex.tv/desktop/${hash}`;
    return `${address.origin}${address.pathname.replace(/\/+$/, "")}/web/index.html${hash}`;
  }

  /**
   * The overall state: [tone, one sentence, number of scenes that PlexSync has never seen].
   * `inStash` is the number of scenes in Stash, `settings` the result of plexSettings(); null: unknown.
   */
  function howThingsAre(status, inStash, settings) {
    const { waiting, later, failed } = status.badge;
    const scenes = status.scenes || {};
    const leftOut = scenes["left out"] || 0;
    const known = sumOf(scenes) - leftOut;
    const all =
      inStash === null ? known : Math.max(inStash - leftOut, scenes.synced || 0);
    const apart = leftOut ? `, ${number(leftOut)} left out` : "";
    const inStep = `In step: ${number(scenes.synced || 0)} of ${counted(all, "scene")}${apart}.`;
    const kept = waiting ? ` ${number(waiting)} waiting; nothing is lost.` : " Nothing is lost.";

    // both may be set in the environment instead; then it has read Plex's libraries anyway
    const hasMetPlex = Boolean(known || leftOut || (status.index && status.index.items));
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

  function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  PlexSync.format = {
    number,
    sumOf,
    counted,
    duration,
    roughly,
    ago,
    ahead,
    clockTime,
    fullTime,
    percent,
    milliseconds,
    sceneTitle,
    quotedName,
    writeSettings,
    readSettings,
    webAddress,
    plexLink,
    howThingsAre,
    capital,
  };
})();
