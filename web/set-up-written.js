/*
 * The set-up's fourth step: what is written, by the view of that name.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { Fragment, createElement: h } = PlexSync.core.React;
	const { RecipesView } = PlexSync.recipes;
	const { finishStep } = PlexSync.survey;

	function Written({ go, changed, tasks }) {
		const onward = async () => {
			await finishStep("written");
			changed();
			go();
		};
		return h(
			Fragment,
			null,
			h(
				"p",
				null,
				"What becomes of a scene in Plex. The defaults suit most people; everything can be changed later, and what comes out differently is then written again.",
			),
			h(RecipesView, { tasks, changed, onward }),
		);
	}

	PlexSync.setUpSteps.push({
		key: "written",
		title: "What is written",
		done: (state) => state.done.includes("written"),
		View: Written,
	});
})();
