/*
 * The entry in Stash's navigation with its badges. Loaded last, since it wakes PlexSync.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { PluginApi, ADDRESS } = PlexSync.core;
	const { Fragment, useEffect, useState, createElement: h } = PlexSync.core.React;
	const { Badge, Nav } = PlexSync.core.Bootstrap;
	const { NavLink } = PlexSync.core.Router;
	const { number } = PlexSync.format;
	const { board, wakeUp, moved } = PlexSync.polling;
	const { Guard, Icon } = PlexSync.widgets;

	function useBoard() {
		const [counts, setCounts] = useState(board.counts);
		useEffect(() => {
			board.listeners.add(setCounts);
			setCounts(board.counts);
			return () => board.listeners.delete(setCounts);
		}, []);
		return counts;
	}

	function NavEntry() {
		const { waiting = 0, failed = 0 } = useBoard() || {};
		const parts = [
			waiting && `${number(waiting)} waiting`,
			failed && `${number(failed)} ${failed === 1 ? "needs" : "need"} you`,
		].filter(Boolean);
		return h(
			Nav.Link,
			{
				eventKey: ADDRESS,
				as: "div",
				className: "col-4 col-sm-3 col-md-2 col-lg-auto plexsync-nav",
			},
			h(
				NavLink,
				{
					to: ADDRESS,
					activeClassName: "active",
					className:
						"minimal p-4 p-xl-2 d-flex d-xl-inline-block flex-column justify-content-between align-items-center btn btn-primary",
					"aria-label": ["PlexSync", ...parts].join(", "),
				},
				h(Icon, {
					name: "logo",
					className: "fa-icon nav-menu-icon d-block d-xl-inline mb-2 mb-xl-0",
				}),
				h("span", { className: "plexsync-nav-name" }, "PlexSync"),
				waiting > 0 &&
					h(Badge, { pill: true, variant: "light", title: "waiting" }, number(waiting)),
				failed > 0 && h(Badge, { pill: true, variant: "danger", title: "needs you" }, number(failed)),
			),
		);
	}

	function withNavEntry(props) {
		const entry = h(Guard, { key: "plexsync", quiet: true }, h(NavEntry));
		return [{ ...props, children: h(Fragment, null, props.children, entry) }];
	}

	PluginApi.patch.before("MainNavBar.MenuItems", withNavEntry);
	if (PluginApi.Event) PluginApi.Event.addEventListener("stash:location", moved);
	wakeUp();
})();
