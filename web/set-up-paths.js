/*
 * The set-up's third step: how the paths of both servers correspond, and files that Plex does not have.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { Fragment, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { number, counted, capital } = PlexSync.format;
	const { command, ownSettings } = PlexSync.api;
	const { useOnce } = PlexSync.polling;
	const { useAct, Busy, Mark } = PlexSync.widgets;
	const { finishStep, useSurvey, SurveyState } = PlexSync.survey;

	/** What the paths look like, in one sentence. */
	function verdict(found, suggested) {
		const { files, explained, now, explained_now: fits } = found;
		if (!files) {
			return "No file in Plex has the name and size of one in Stash, so nothing can be suggested. Check that Plex has scanned the folders that Stash has.";
		}
		const of = `of ${counted(files, "file")} that both servers have`;
		if (suggested) {
			return `Plex and Stash see the same files under different folders. The suggested path map explains ${number(explained)} ${of}; ${now ? "the one in use" : "without one it is"} ${number(fits)}.`;
		}
		if (now) return `The path map in use (${now}) explains ${number(fits)} ${of}.`;
		return `Both servers see ${number(fits)} ${of} under the same paths${fits < files ? "; the others are found by the end of their path, or by name and size" : ", so no path map is needed"}.`;
	}

	function Example({ example }) {
		const { stash, plex, becomes, fits } = example;
		return h(
			"li",
			{ "data-fits": fits },
			h(Mark, { tone: fits ? "ok" : "warn" }),
			h(
				"dl",
				{ className: "plexsync-pairs" },
				h("dt", null, "In Stash"),
				h("dd", null, h("code", null, stash)),
				h("dt", null, "In Plex"),
				h("dd", null, h("code", null, plex)),
				!fits && h("dt", null, "By the map"),
				!fits && h("dd", null, h("code", null, becomes)),
			),
		);
	}

	function Missing({ found }) {
		const { shown, more, files_of_more: rest } = found.folders;
		if (!found.missing) return null;
		return h(
			"details",
			{ className: "plexsync-more", open: found.missing === found.files },
			h(
				"summary",
				null,
				`${number(found.missing)} of ${counted(found.files, "file")} of Stash match nothing in Plex`,
			),
			h(
				"ul",
				{ className: "plexsync-folders", "aria-label": "Folders with files that match nothing" },
				shown.map((each) =>
					h(
						"li",
						{ key: each.folder },
						h("code", null, each.folder || "no folder"),
						` ${number(each.missing)} of ${counted(each.files, "file")}. `,
						h("span", { className: "plexsync-dim" }, "For example ", h("code", null, each.example)),
						`: ${each.why}.`,
					),
				),
				more > 0 &&
					h("li", null, `And ${counted(more, "more folder")} with ${counted(rest, "file")}.`),
			),
		);
	}

	function Paths({ state, go, changed, tasks, startTask }) {
		const survey = useSurvey(state, tasks, startTask);
		const settings = useOnce(ownSettings);
		const [busy, act] = useAct();
		const found = survey.found && survey.found.path_map;
		const inUse = settings ? String(settings.path_map || "") : "";
		const suggested = found && found.suggested !== inUse ? found.suggested : "";
		const next = (work) =>
			act("next", async (wanted) => {
				const text = work ? await work(wanted) : "";
				await finishStep("paths");
				changed();
				go();
				return text;
			});
		const adopt = () =>
			next(async (wanted) => {
				const answer = await command("adopt_path_map", { path_map: suggested }, wanted);
				return answer ? `The path map is now ${answer.after}. ${answer.text}` : "";
			});
		const shown = found && (suggested ? found : { ...found, now: inUse, explained_now: found.explained });
		return h(
			Fragment,
			null,
			h(SurveyState, { survey, tasks, startTask }),
			found && h("p", null, capital(verdict(shown, suggested))),
			suggested &&
				h("p", null, "Suggested path map (Plex's folder => Stash's folder): ", h("code", null, suggested)),
			found &&
				found.examples.length > 0 &&
				h(
					"ul",
					{ className: "plexsync-examples", "aria-label": "Examples" },
					found.examples.map((example) => h(Example, { key: example.stash, example })),
				),
			found && h(Missing, { found: survey.found }),
			h(
				"div",
				{ className: "plexsync-buttons" },
				suggested &&
					h(
						Button,
						{ disabled: Boolean(busy), onClick: adopt },
						busy ? h(Busy, null, "Adopting ...") : "Adopt and continue",
					),
				h(
					Button,
					{
						variant: suggested ? "secondary" : "primary",
						disabled: !found || Boolean(busy),
						onClick: () => next(),
					},
					suggested ? "Continue without it" : "Continue",
				),
			),
		);
	}

	PlexSync.setUpSteps.push({
		key: "paths",
		title: "Paths",
		done: (state) => state.done.includes("paths"),
		View: Paths,
	});
})();
