/*
 * Small parts for all views: marks, notes, boxes, dialogs, and one action at a time.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, React } = PlexSync.core;
	const { Fragment, useCallback, useEffect, useRef, useState, createElement: h } = PlexSync.core.React;
	const { Button, Card, Dropdown, Modal, Spinner } = PlexSync.core.Bootstrap;
	const { ago, speak, fullTime, sceneTitle, webAddress, plexLink } = PlexSync.format;
	const { findScenes, ownSettings, plexSettings, sentence } = PlexSync.api;
	const { useAlive, useOnce } = PlexSync.polling;

	/** The scenes of these ids by id, once Stash has answered. */
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
	 * One action at a time: `act(key, work)` runs `work(wanted)` and shows the text it resolves to, or
	 * the error. `busy` is the key of the running action.
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

	/**
	 * Our settings as a draft: `shownOf` picks from them what a view edits. All is null until they are
	 * read, or `problem` says why they cannot be.
	 */
	function useDraft(shownOf) {
		const [settings, setSettings] = useState(null);
		const [saved, setSaved] = useState(null);
		const [draft, setDraft] = useState(null);
		const [problem, setProblem] = useState("");
		const wanted = useAlive();
		useEffect(() => {
			ownSettings()
				.then((found) => {
					if (!wanted()) return;
					const shown = shownOf(found);
					setSettings(found);
					setSaved(shown);
					setDraft(shown);
				})
				.catch((trouble) => wanted() && setProblem(sentence(trouble)));
		}, []);
		const changes = draft
			? Object.keys(draft).filter((key) => draft[key] !== (key in saved ? saved[key] : ""))
			: [];
		return { settings, saved, setSaved, draft, setDraft, changes, problem };
	}

	/** The button that drops a draft's changes. */
	function Discard({ of: { changes, saved, setDraft }, busy }) {
		return h(
			Button,
			{
				variant: "secondary",
				disabled: !changes.length || Boolean(busy),
				onClick: () => setDraft(saved),
			},
			"Discard",
		);
	}

	/** Keeps an error of ours from breaking Stash's page. */
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
			return h(Note, { tone: "bad" }, `PlexSync's page has an error: ${sentence(problem)}`);
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

	const { Intl: Messages } = PluginApi.libraries;

	/** Times on our pages follow Stash's language. */
	function useStashsLanguage() {
		const intl = Messages && Messages.useIntl ? Messages.useIntl() : null;
		if (intl) speak(intl.locale);
	}

	const TONES = { ok: "all right", warn: "warning", bad: "wrong" };

	/** A mark that shows a state by shape, colour and (for screen readers) text. */
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

	/** A link from Stash to Plex. */
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

	/** Asks for confirmation; the text has the number. */
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

	function Bar({ name, share }) {
		return h(
			"div",
			{ className: "progress" },
			h("div", {
				className: "progress-bar",
				role: "progressbar",
				"aria-label": name,
				"aria-valuenow": share,
				style: { width: `${share}%` },
			}),
		);
	}

	/** A button that opens a list of choices, [key, label] each. */
	function Menu({ id, label, size, disabled, choices, onPick }) {
		const className = "bg-secondary text-white";
		return h(
			Dropdown,
			null,
			h(Dropdown.Toggle, { variant: "secondary", id, size, disabled }, label),
			h(
				Dropdown.Menu,
				{ className },
				choices.map(([key, text]) =>
					h(
						Dropdown.Item,
						{ key, as: "button", type: "button", className, onClick: () => onPick(key) },
						text,
					),
				),
			),
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

	PlexSync.widgets = {
		useScenes,
		usePlexLinks,
		useAct,
		useDraft,
		Discard,
		useStashsLanguage,
		Guard,
		Icon,
		Mark,
		Time,
		Busy,
		Note,
		Problem,
		Box,
		PlexLink,
		Confirm,
		Dialog,
		Bar,
		Menu,
		Cover,
		SceneName,
	};
})();
