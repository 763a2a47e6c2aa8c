"""`python -m simulator`: a Plex and a Stash with sample films, to experiment with."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NoReturn

from simulator.demo_data import FILMS, fill_plex, fill_stash
from simulator.plex import PlexSim
from simulator.plex_tv import PlexTvSim, connection
from simulator.stash import ManifestError, StashSim

HOW_TO = """\
Plex   {plex}   (token {token})
Stash  {stash}   (GraphQL at /graphql)
plex.tv  {plex_tv}   (its account owns that Plex; somebody shares another one with it)
{count} films are in both; Stash has their metadata, Plex only the files.

Rename a scene, as the web page would (fires the hooks of the plugin, if one is loaded):
  curl -s {stash}/graphql -H 'Content-Type: application/json' \\
    -d '{{"query":"mutation{{sceneUpdate(input:{{id:1,title:\\"New title\\"}}){{id title}}}}"}}'
See it in Plex:
  curl -s '{plex}/library/sections/1/all?X-Plex-Token={token}'
{plugin}
Ctrl-C ends both.
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--plex-port", type=int, default=32499, help="0 picks a free one")
    parser.add_argument("--stash-port", type=int, default=19999, help="0 picks a free one")
    parser.add_argument("--plugin-dir", help="folder of the plugin whose hooks fire")
    parser.add_argument("--ui-dir", default="", help="folder of a web app to serve to browsers")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument(
        "--fresh", action="store_true", help="leave the plugin's settings empty, for its set-up"
    )
    return parser.parse_args()


def fill_plex_tv(plex_tv: PlexTvSim, plex: PlexSim) -> None:
    """An account that owns this Plex, under two addresses, and may use somebody else's."""
    nobody = connection("http://127.0.0.1:9")
    addresses: Sequence[dict[str, object]] = (nobody, connection(plex.url))
    plex_tv.add_server(plex.machine, *addresses, name="Simulated Plex", token=plex.token)
    plex_tv.add_server("shared", nobody, name="Ann's Plex", token="shared", owner="Ann")


def _serve(plex: PlexSim, stash: StashSim, plex_tv: PlexTvSim, *, fresh: bool) -> NoReturn:
    fill_stash(stash)
    fill_plex(plex)
    fill_plex_tv(plex_tv, plex)
    if not fresh:
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": plex.token})
    loaded = stash.core.plugin
    plugin = (
        f"Plugin {loaded.manifest.name}: its log follows." if loaded else "No plugin is loaded."
    )
    text = HOW_TO.format(
        plex=plex.url,
        stash=stash.url,
        plex_tv=plex_tv.url,
        token=plex.token,
        count=len(FILMS),
        plugin=plugin,
    )
    print(text, flush=True)
    shown = 0
    while True:
        time.sleep(0.3)
        for line in stash.log[shown:]:
            print(f"{line.level:8}{line.text}", flush=True)
            shown += 1


def main() -> int:
    """Serve until Ctrl-C; returns 2 if a port is in use or the plugin's manifest is invalid."""
    args = _arguments()
    try:
        with ExitStack() as stack:
            plex_tv = stack.enter_context(PlexTvSim())
            stash = StashSim(
                args.plugin_dir,
                port=args.stash_port,
                latency=args.latency,
                ui_dir=args.ui_dir,
                env={"PLEXSYNC_PLEX_TV": plex_tv.url},
            )
            plex = stack.enter_context(PlexSim(port=args.plex_port, latency=args.latency))
            stack.enter_context(stash)
            _serve(plex, stash, plex_tv, fresh=args.fresh)
    except KeyboardInterrupt:
        return 0
    except (OSError, ManifestError) as problem:
        print(f"The simulator cannot start: {problem}")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
