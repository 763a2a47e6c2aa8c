/*
 * The set-up's second step: the libraries that PlexSync writes to. What the task `survey` has found is
 * shared with the next step.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { Fragment, useCallback, useEffect, useRef, useState, createElement: h } =
		PlexSync.core.React;
	const { Button, Form } = PlexSync.core.Bootstrap;
	const { number, counted, capital } = PlexSync.format;
	const { operation, command, ownSettings } = PlexSync.api;
	const { usePolling, useOnce } = PlexSync.polling;
	const { useAct, Busy, Mark, Problem, Time } = PlexSync.widgets;

	/** Record that a step is finished; the page need not wait for the worker. */
	const finishStep = (step, more) => operation("finish_step", { step, ...more });

	/** Starts a task by itself, once, when it is needed and no other one runs. */
	function useStart(needed, mode, tasks, startTask) {
		const started = useRef(false);
		useEffect(() => {
			if (!needed || tasks.running || started.current) return;
			started.current = true;
			startTask(mode);
		}, [needed, tasks.running]);
	}

	/** What both servers have, compared by itself the first time. */
	function useSurvey(state, tasks, startTask) {
		const ask = useCallback(() => operation("report", { task: "survey" }), [tasks.result]);
		const { data: report, error, again } = usePolling(ask, 0);
		useStart(report && report.state === "unknown", "survey", tasks, startTask);
		return {
			found: report && report.state === "done" ? report.output : null,
			at: report && report.ended_at,
			error: error || (report && report.state === "failed" ? report.error : ""),
			again: error ? again : () => startTask("survey"),
		};
	}

	/** What is shown while both servers are compared, and how to do it once more. */
	function SurveyState({ survey, tasks, startTask }) {
		if (tasks.running && tasks.running.mode === "survey") {
			return h("div", null, h(Busy, null, "Reading Plex's libraries and the files of Stash ..."));
		}
		if (survey.error) return h(Problem, { text: survey.error, again: survey.again });
		return h(
			"p",
			{ className: "plexsync-dim" },
			survey.found && h(Fragment, null, "Compared ", h(Time, { at: survey.at }), ". "),
			h(
				Button,
				{
					size: "sm",
					variant: "link",
					disabled: Boolean(tasks.running),
					onClick: () => startTask("survey"),
				},
				survey.found ? "Compare again" : "Compare the files",
			),
		);
	}

	const isMovies = (library) => !library.why_not;

	const quoted = (title) => (/[",]|^\s|\s$/.test(title) ? `"${title}"` : title);
	const listed = (names) => `,${names.replace(/\s*,\s*/g, ",").toLowerCase()},`;

	/** Those chosen in the settings, as they are now; without a choice those that hold any of Stash's
	 * files. */
	function firstChoice(libraries, setting) {
		const able = libraries.filter(isMovies);
		const chosen = (title) =>
			[title, quoted(title)].some((name) => listed(setting.trim()).includes(listed(name)));
		const useful = able.filter((each) => (setting ? chosen(each.title) : each.held));
		return new Set((useful.length ? useful : able).map((each) => each.title));
	}

	/** The choice as the setting has it: empty for all libraries, also those to come. */
	function asSetting(libraries, chosen) {
		const titles = libraries.filter(isMovies).map((each) => each.title);
		if (titles.every((title) => chosen.has(title))) return "";
		return titles
			.filter((title) => chosen.has(title))
			.map(quoted)
			.join(", ");
	}

	function Library({ library, files, on, onToggle }) {
		const { title, agent, scanner, items, held, why_not: why, warnings } = library;
		const words = [agent && `agent ${agent}`, scanner && `scanner ${scanner}`, counted(items || 0, "item")];
		return h(
			"li",
			{ className: "plexsync-library", "data-usable": !why },
			h(Form.Check, {
				type: "checkbox",
				id: `plexsync-library-${title}`,
				label: h("strong", null, title),
				checked: on,
				disabled: Boolean(why),
				onChange: onToggle,
			}),
			h("div", { className: "plexsync-dim" }, capital(why) || words.filter(Boolean).join(" · ")),
			!why &&
				h("div", null, `It holds ${number(held)} of the ${counted(files, "file")} that Stash has.`),
			warnings.map((each) =>
				h(
					"div",
					{ key: each.text, className: "plexsync-warned" },
					h(Mark, { tone: "warn" }),
					h("span", null, capital(each.text), ". ", h("span", { className: "plexsync-remedy" }, each.remedy)),
				),
			),
		);
	}

	function Libraries({ state, go, changed, tasks, startTask }) {
		const survey = useSurvey(state, tasks, startTask);
		const settings = useOnce(ownSettings);
		const [chosen, setChosen] = useState(null);
		const [busy, act] = useAct();
		const libraries = survey.found ? survey.found.libraries : [];
		const saved = settings ? String(settings.plex_library || "") : null;
		useEffect(() => {
			if (survey.found && saved !== null) setChosen(firstChoice(libraries, saved));
		}, [survey.found, saved]);
		const toggle = (title) =>
			setChosen((old) => {
				const next = new Set(old);
				if (!next.delete(title)) next.add(title);
				return next;
			});
		const save = () =>
			act("save", async (wanted) => {
				const setting = asSetting(libraries, chosen);
				let text = "";
				if (setting !== saved) {
					const settings = { plex_library: setting };
					({ text } = (await command("save_settings", { settings }, wanted)) || { text });
				}
				await finishStep("libraries");
				changed();
				go();
				return text;
			});
		return h(
			Fragment,
			null,
			h(
				"p",
				null,
				"PlexSync writes to the libraries chosen here, and only to items whose file is one of Stash's.",
			),
			h(SurveyState, { survey, tasks, startTask }),
			chosen &&
				h(
					"ul",
					{ className: "plexsync-libraries", "aria-label": "Libraries of Plex" },
					libraries.map((library) =>
						h(Library, {
							key: library.title,
							library,
							files: survey.found.files,
							on: chosen.has(library.title),
							onToggle: () => toggle(library.title),
						}),
					),
				),
			chosen && !libraries.some(isMovies) &&
				h(Problem, {
					text: 'Plex has no movie library. Create one there, of the type "Movies" or "Other Videos".',
				}),
			h(
				Button,
				{ disabled: !chosen || !chosen.size || Boolean(busy), onClick: save },
				busy ? h(Busy, null, "Saving ...") : "Continue",
			),
		);
	}

	PlexSync.survey = { finishStep, useStart, useSurvey, SurveyState };
	PlexSync.setUpSteps.push({
		key: "libraries",
		title: "Libraries",
		done: (state) => state.done.includes("libraries"),
		View: Libraries,
	});
})();
