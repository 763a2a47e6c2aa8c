/*
 * The set-up's first step: PlexSync is connected to Plex, by a sign-in at plex.tv or by hand.
 *
 * The account's token and the servers' own never come here: see docs/operations.md.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	const { seconds } = PlexSync.core;
	const { Fragment, useEffect, useRef, useState, createElement: h } = PlexSync.core.React;
	const { Button, Form } = PlexSync.core.Bootstrap;
	const { counted } = PlexSync.format;
	const { command, connectedTo, sentence } = PlexSync.api;
	const { useAlive } = PlexSync.polling;
	const { Busy, Mark, Note } = PlexSync.widgets;

	const POLL = 2;
	/** Seconds for which a command may wait: at first use packages are installed meanwhile. */
	const PATIENCE = 300;

	/** What is said of a sign-in that cannot go on, whatever is tried. */
	const OVER = /sign-in has (ended|expired)|this one has ended/;

	const KINDS = { local: "in your network", remote: "over the internet", relay: "through Plex's relay" };

	/** What the step does, before it does it. */
	function Intro() {
		return h(
			"p",
			null,
			"PlexSync needs Plex's address, and a token that may edit. ",
			h("strong", null, "Sign in with Plex"),
			" opens a window at plex.tv. PlexSync then tries the addresses of your servers from where Stash " +
				"runs and shows them here; nothing is saved before you choose one. Your password stays at " +
				"plex.tv, and the token goes straight to Stash's settings.",
		);
	}

	function AddressItem({ address, busy, use }) {
		return h(
			"li",
			null,
			h(Mark, { tone: address.why ? "warn" : "ok" }),
			h(
				"div",
				null,
				h("code", null, address.url),
				h("span", { className: "plexsync-dim" }, ` ${KINDS[address.kind]}`),
				address.why && h("div", { className: "plexsync-dim" }, address.why),
			),
			h(
				Button,
				{
					size: "sm",
					variant: "secondary",
					disabled: busy,
					"aria-label": `Use ${address.url}`,
					onClick: () => use(address.url),
				},
				address.why ? "Try again" : "Use",
			),
		);
	}

	function ServerItem({ server, first, busy, use }) {
		const { name, version, why, best, addresses } = server;
		const found = addresses.find((address) => address.url === best);
		const many = addresses.length > 1 || !best;
		return h(
			"li",
			{ className: "plexsync-server", "data-state": why ? "unusable" : best ? "ok" : "away" },
			h(
				"div",
				{ className: "plexsync-server-head" },
				h(
					"div",
					null,
					h("strong", null, name),
					version && h("span", { className: "plexsync-dim" }, ` Plex ${version}`),
					h(
						"div",
						{ className: "plexsync-dim" },
						why || (best ? `${best}, ${KINDS[found.kind]}` : "It answers at none of its addresses."),
					),
				),
				best &&
					h(
						Button,
						{
							variant: first ? "primary" : "secondary",
							disabled: busy,
							"aria-label": `Use ${name}`,
							onClick: () => use(best),
						},
						busy ? h(Busy, null, "Connecting ...") : "Use this server",
					),
			),
			many &&
				addresses.length > 0 &&
				h(
					"details",
					{ open: !best && first },
					h("summary", null, counted(addresses.length, "address", "addresses")),
					h(
						"ul",
						{ className: "plexsync-addresses" },
						addresses.map((address) =>
							h(AddressItem, { key: address.url, address, busy, use }),
						),
					),
				),
		);
	}

	function Servers({ signIn, busy, choose, cancel }) {
		const { servers, proposed } = signIn;
		const usable = servers.filter((server) => !server.why);
		return h(
			Fragment,
			null,
			h(
				"p",
				{ role: "status" },
				proposed
					? "This server is reached best. Choose it, and its address and its own token are saved in Stash."
					: usable.length
						? "None of your servers answers from where Stash runs. Each address says why."
						: "This account can use no server that PlexSync may edit: sign in as a server's owner.",
			),
			h(
				"ul",
				{ className: "plexsync-servers", "aria-label": "Servers" },
				servers.map((server, place) =>
					h(ServerItem, {
						key: server.machine,
						server,
						first: place === 0,
						busy,
						use: (url) => choose(server, url),
					}),
				),
			),
			h(Button, { variant: "secondary", disabled: busy, onClick: cancel }, "Cancel"),
		);
	}

	function Waiting({ signIn, closed, open, cancel }) {
		return h(
			Fragment,
			null,
			h(
				"div",
				null,
				signIn.url
					? h(Busy, null, "Waiting until you have signed in at plex.tv ...")
					: h(Busy, null, "Preparing the sign-in ..."),
			),
			closed &&
				h(
					Note,
					{ tone: "warn" },
					"The window at plex.tv is closed. If you have not signed in there, open it again.",
				),
			h(
				"div",
				{ className: "plexsync-actions" },
				signIn.url &&
					h(
						"a",
						{
							className: "btn btn-secondary",
							href: signIn.url,
							target: "plexsync-sign-in",
							rel: "noreferrer",
							onClick: open,
						},
						closed ? "Open the window again" : "Open the window",
					),
				h(Button, { variant: "secondary", onClick: cancel }, "Cancel"),
			),
		);
	}

	function ByHand({ busy, connect, open }) {
		const [url, setUrl] = useState("");
		const [token, setToken] = useState("");
		const field = (id, label, help, value, change, more) =>
			h(
				Form.Group,
				{ controlId: `plexsync-${id}` },
				h(Form.Label, null, label),
				h(Form.Control, {
					value,
					onChange: (event) => change(event.target.value),
					autoComplete: "off",
					spellCheck: false,
					...more,
				}),
				h(Form.Text, { className: "plexsync-dim" }, help),
			);
		return h(
			"details",
			{ open },
			h("summary", null, "By hand"),
			h(
				Form,
				{
					className: "plexsync-by-hand",
					onSubmit: (event) => {
						event.preventDefault();
						connect(url, token);
					},
				},
				field("url", "Address", PlexSync.catalog.settings.plex_url.means, url, setUrl),
				field(
					"token",
					"Token",
					"The server owner's: Plex Web shows it under Get Info > View XML, at the end of the address. Empty keeps the present one, if the same server answers at the address.",
					token,
					setToken,
					{ type: "password" },
				),
				h(
					Button,
					{ type: "submit", variant: "secondary", disabled: busy || !url.trim() },
					busy ? h(Busy, null, "Connecting ...") : "Connect",
				),
			),
		);
	}

	/** The window at plex.tv, which only a click may open; its address is known a little later. */
	function useWindow() {
		const held = useRef(null);
		return {
			open() {
				held.current = window.open("", "plexsync-sign-in", "width=600,height=700");
			},
			lead(url) {
				if (held.current && !held.current.closed) held.current.location.replace(url);
			},
			close() {
				if (held.current) held.current.close();
				held.current = null;
			},
			closed: () => !held.current || held.current.closed,
		};
	}

	function Connect({ state, go, changed }) {
		const wanted = useAlive();
		const popup = useWindow();
		const [signIn, setSignIn] = useState(state.sign_in);
		const [busy, setBusy] = useState("");
		const [problem, setProblem] = useState("");
		const [closed, setClosed] = useState(false);
		const [saved, setSaved] = useState(null);
		const [again, setAgain] = useState(false);
		const cancelled = useRef(false);

		/** One command at a time; shows why it failed. */
		const ask = async (key, mode, args) => {
			setBusy(key);
			setProblem("");
			try {
				return await command(mode, args, wanted, PATIENCE);
			} catch (trouble) {
				if (!wanted()) return null;
				setProblem(sentence(trouble));
				if (OVER.test(sentence(trouble))) setSignIn(null);
				return null;
			} finally {
				if (wanted()) setBusy("");
			}
		};

		const start = async () => {
			popup.open();
			setClosed(false);
			setSignIn({ state: "waiting" });
			cancelled.current = false;
			const begun = await ask("sign in", "sign_in", {});
			if (begun && cancelled.current) return end(begun);
			if (!begun) popup.close();
			else popup.lead(begun.url);
			if (wanted()) setSignIn(begun);
		};
		const end = ({ id }) => ask("cancel", "cancel_sign_in", { id });
		const cancel = () => {
			popup.close();
			setSignIn(null);
			setProblem("");
			cancelled.current = true; // also a sign-in that is only being prepared
			if (signIn.id) end(signIn);
		};
		const connected = (answer) => {
			if (!answer || !wanted()) return;
			setSignIn(null);
			setAgain(false);
			setSaved(answer);
			connectedTo(answer.url);
			changed();
		};
		const choose = async ({ machine }, url) =>
			connected(await ask("choose", "choose_server", { id: signIn.id, machine, url }));
		const connect = async (url, token) => connected(await ask("connect", "connect", { url, token }));

		// while the user is at plex.tv, the worker asks there on each command
		const waiting = signIn && signIn.state === "waiting" && signIn.id;
		useEffect(() => {
			if (!waiting) return undefined;
			let ended = false;
			const still = () => !ended && wanted();
			const poll = async () => {
				while (still()) {
					await seconds(POLL);
					if (!still()) return;
					try {
						const found = await command("check_sign_in", { id: waiting }, still, PATIENCE);
						if (!still() || !found) return;
						setProblem("");
						setClosed(popup.closed());
						if (found.state === "waiting") continue;
						popup.close();
						setSignIn(found.state === "servers" ? found : null);
						setProblem(found.why);
					} catch (trouble) {
						if (!still()) return;
						setProblem(sentence(trouble));
						if (!/by hand/.test(sentence(trouble))) setSignIn(null);
						else continue;
					}
					return;
				}
			};
			poll();
			return () => {
				ended = true;
			};
		}, [waiting]);

		const idle = !signIn || signIn.state === "ended";
		const done = state.connected && idle && !again;
		return h(
			Fragment,
			null,
			state.installing &&
				h(
					"div",
					null,
					h(Busy, null, "PlexSync installs the packages that it needs, once; it takes a minute ..."),
				),
			state.not_installed &&
				h(
					Note,
					{ tone: "bad" },
					`The packages that PlexSync needs could not be installed: ${state.not_installed}. Press Check Setup below to try again.`,
				),
			saved &&
				h(
					Note,
					{ tone: "ok" },
					`Connected to ${saved.server ? `${saved.server} at ` : ""}${saved.url}. ${saved.text}`,
				),
			problem && h(Note, { tone: "bad" }, problem),
			done &&
				h(
					"div",
					{ className: "plexsync-actions" },
					!saved && h("p", { className: "plexsync-push" }, "PlexSync is connected to Plex."),
					h(Button, { onClick: () => go() }, "Go on"),
					h(Button, { variant: "secondary", onClick: () => setAgain(true) }, "Connect to another server"),
				),
			!done && idle && h(Intro, null),
			!done &&
				idle &&
				h(
					"div",
					{ className: "plexsync-actions" },
					h(
						Button,
						{ disabled: Boolean(busy), onClick: start },
						busy === "sign in" ? h(Busy, null, "Preparing ...") : "Sign in with Plex",
					),
				),
			!done && idle && h(ByHand, { busy: Boolean(busy), connect, open: Boolean(problem) }),
			signIn &&
				signIn.state === "waiting" &&
				h(Waiting, { signIn, closed, open: () => setClosed(false), cancel }),
			signIn &&
				signIn.state === "servers" &&
				h(Servers, { signIn, busy: Boolean(busy), choose, cancel }),
		);
	}

	PlexSync.setUpSteps.push({
		key: "connect",
		title: "Connect",
		done: (state) => state.connected,
		View: Connect,
	});
})();
