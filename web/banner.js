/*
 * The banner: what needs somebody, as the messages of Notify URLs say it.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { SETTINGS_PAGE } = PlexSync.core;
	const { useState, createElement: h } = PlexSync.core.React;
	const { Button } = PlexSync.core.Bootstrap;
	const { Link } = PlexSync.core.Router;
	const { clockTime } = PlexSync.format;
	const { Note } = PlexSync.widgets;

	const SEEN = "plexsync-seen"; // of this browser
	const DEAD_LETTERS = "dead letters";

	const nameOf = ({ subject, since }) => `${subject} ${since}`;

	function seenBefore() {
		try {
			return JSON.parse(window.localStorage.getItem(SEEN)) || [];
		} catch (problem) {
			return [];
		}
	}

	function Alert({ alert, go, onSeen }) {
		const { subject, title, text, since, told } = alert;
		const when = since ? ` since ${clockTime(since)}` : "";
		const scenes = subject === DEAD_LETTERS;
		return h(
			Note,
			{ tone: scenes ? "warn" : "bad" },
			h(
				"span",
				{ className: "plexsync-push", "data-alert": subject },
				h("strong", null, title),
				`${scenes ? ", the last" : ""}${when}. ${text} `,
				told && h("span", { className: "plexsync-dim" }, "A message said so."),
			),
			scenes &&
				h(Button, { size: "sm", variant: "secondary", onClick: () => go("dead-letters") }, "Show them"),
			subject === "token" &&
				h(Link, { to: SETTINGS_PAGE, className: "btn btn-secondary btn-sm" }, "Enter a token"),
			h(
				Button,
				{ size: "sm", variant: "link", "aria-label": `Hide: ${title}`, onClick: onSeen },
				"Hide",
			),
		);
	}

	/** Each alert until it is over, or was hidden in this browser. */
	function Banner({ status, go }) {
		const [seen, setSeen] = useState(seenBefore);
		const hide = (alert) => {
			const names = [...seen, nameOf(alert)].slice(-20);
			setSeen(names);
			try {
				window.localStorage.setItem(SEEN, JSON.stringify(names));
			} catch (problem) {
				// a browser that keeps nothing shows it again after a reload
			}
		};
		return status.alerts
			.filter((alert) => !seen.includes(nameOf(alert)))
			.map((alert) => h(Alert, { key: alert.subject, alert, go, onSeen: () => hide(alert) }));
	}

	PlexSync.banner = { Banner };
})();
