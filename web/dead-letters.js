/*
 * The view Needs you: the dead letters, each with what the user can do about it.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { number, sumOf, counted, sceneTitle } = PlexSync.format;
	const { command } = PlexSync.api;
	const { useAct, Time, Confirm, Cover, SceneName } = PlexSync.widgets;
	const { Listing, TableTools, countOf, useTable, wordsOf } = PlexSync.tables;
	const { COMES_BACK, Candidates, RestoreButton, RowButton, RowLinks, Why, useDialogs, useRows } =
		PlexSync.rows;

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
					{
						error: deadLetter.error,
						tone: deadLetter.class_tone,
						words: deadLetter.class_words,
						remedy: deadLetter.remedy,
						message: deadLetter.message,
					},
					h(Candidates, { candidates, paths: deadLetter.paths || [], linkOf: rows.linkOf }),
				),
				h(Time, { at: deadLetter.buried_at }),
				number(sumOf(deadLetter.attempts)),
				h(
					"div",
					{ className: "plexsync-actions" },
					button("Retry", () => retry(id)),
					deadLetter.can_pin && button("Pin", pin, "primary"),
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
		const { error } = table.request;
		const searching = Boolean(table.request.search);
		const onlyWhole = "This affects all scenes of a class: clear the search first.";
		const chosen = countOf(classes, error);
		const words = error ? `${number(chosen)} “${wordsOf(classes, error)}”` : number(chosen);

		const retry = (scene) =>
			act(`retry ${scene}`, async (wanted) => {
				await command("retry", { scene }, wanted);
				refresh();
				return "The scene is tried again; it leaves this list when it is in step.";
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
						failure = problem; // the last dead letter of this class may just have been removed
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
					answer && `${counted(answer.removed, "scene")} removed from this list; ${COMES_BACK}.`
				);
			});

		return h(
			"div",
			{ className: "plexsync-list" },
			h(
				TableTools,
				{ table, classes },
				chosen > 0 &&
					h(
						Button,
						{
							size: "sm",
							variant: "secondary",
							disabled: searching || Boolean(busy),
							title: searching ? onlyWhole : "",
							onClick: retryAll,
						},
						`Retry all ${number(chosen)}`,
					),
				chosen > 0 &&
					h(
						Button,
						{
							size: "sm",
							variant: "danger",
							disabled: searching || Boolean(busy),
							title: searching ? onlyWhole : "",
							onClick: () => setAsking(true),
						},
						`Clear ${number(chosen)} ...`,
					),
				h(RestoreButton, { tasks, startTask }),
			),
			h(Listing, {
				table,
				name: "Needs you",
				columns: DEAD_LETTER_COLUMNS,
				rows: deadLetters.map((deadLetter) => deadLetterRow(deadLetter, rows, dialogs, retry, busy)),
				none: "No such scene needs you.",
				empty: "Nothing needs you.",
			}),
			dialogs.dialog,
			asking &&
				h(Confirm, {
					title: "Clear this list?",
					text: `${words} ${chosen === 1 ? "scene" : "scenes"} would be removed from this list, and then only be tried again when they are edited. A copy is kept for 7 days; neither Stash nor Plex is changed.`,
					button: `Clear ${counted(chosen, "scene")}`,
					busy: Boolean(busy),
					onYes: clear,
					onNo: () => setAsking(false),
				}),
		);
	}

	PlexSync.deadLetters = { DeadLettersView };
})();
