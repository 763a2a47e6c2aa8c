/*
 * Shared by the rows of the queue and of those that need you: links, reasons, candidates, actions, dialogs.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { TASKS } = PlexSync.core;
	const { Fragment, useCallback, useState, createElement: h } = PlexSync.core.React;
	const { Badge, Button } = PlexSync.core.Bootstrap;
	const { Link } = PlexSync.core.Router;
	const { counted, label } = PlexSync.format;
	const { operation, command } = PlexSync.api;
	const { useOnce } = PlexSync.polling;
	const { useScenes, usePlexLinks, PlexLink, Confirm } = PlexSync.widgets;
	const { PreviewDialog, PinDialog } = PlexSync.diff;

	const COMES_BACK = `for 7 days the task ${TASKS.restore_removed} restores it`;

	/** What else the rows of a table need: the scenes, and where they are in Plex. */
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

	/** The actions for a row's scene; screen readers read its title with each name. */
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

	function Why({ error, tone, words, remedy, message, children }) {
		return h(
			Fragment,
			null,
			h(
				Badge,
				{ variant: tone === "warn" ? "warning" : "secondary", title: error },
				words,
			),
			remedy && h("div", { className: "plexsync-remedy" }, remedy),
			h("div", { className: `plexsync-message${remedy ? " plexsync-dim" : ""}` }, message),
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
					text: "The newest copy of the last 7 days would be restored, whether of the queue or of those that needed you. Existing entries are not changed.",
					button: TASKS.restore_removed,
					onYes: restore,
					onNo: () => setAsking(false),
				}),
		);
	}

	/** Whether an undo would do anything: what is still written after one was left on purpose. */
	function undoable(state) {
		return state.state !== "undone" && state.targets.some((target) => target.written.length);
	}

	/** What an undo did, and the reason for whatever it did not; an Error if it did nothing. */
	function undoneWords({ failed, left, fields }, id) {
		if (failed[id]) throw new Error(`Nothing was undone: ${failed[id]}.`);
		const kept = Object.entries(left[id] || {}).map(([field, why]) => `${label(field)} (${why})`);
		if (!kept.length) return "Undone: Plex has what it had before.";
		const all = Object.keys(fields).length ? "Undone, except for" : "Nothing was undone:";
		return `${all} ${kept.join(", ")}${all.endsWith(":") ? " stays as it is in Plex" : ""}.`;
	}

	PlexSync.rows = {
		COMES_BACK,
		Candidates,
		RestoreButton,
		RowButton,
		RowLinks,
		Why,
		undoable,
		undoneWords,
		useDialogs,
		useRows,
	};
})();
