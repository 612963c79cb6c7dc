"""``python -m hub.housekeeping``: does what is due, for as long as the hub runs.

Each chore goes its own way: while one waits for a big home, the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hub import drive_bearers, installation, node_api
from hub.chores import Chores
from hub.drive_keeper import DriveKeeper, Told
from hub.engine_look import EngineLook
from hub.hub_api import HubApi, stop_timeout_s
from hub.materials.ordered import Ordered
from hub.materials.packages import Packages
from hub.proxy_watch import ProxyWatch
from hub.reconciler import Reconciler
from hub.reentry import Reentry
from hub.shown_courses import ShownCourses
from hub.store import open_store
from spawner.errors import CarrelError, Code

log = logging.getLogger("carrel.housekeeping")

EVERY_S = 60.0
MEASURE_EVERY_S = 600.0
ORDERS_EVERY_S = 1.0
PACKAGES_EVERY_S = 2.0
REPAIR_EVERY_S = 300.0
RECONCILE_EVERY_S = 10.0
PROXY_EVERY_S = 3.0
ENGINE_EVERY_S = 3.0
COURSES_EVERY_S = 3.0
DRIVE_EVERY_S = 1.0
REENTRY_EVERY_S = 2.0
"""The hub starts us before it has looked at the servers of before."""
AGAIN_S = 5.0
"""Until the next try where hub, node or database could not be asked."""


async def again_and_again(chore: Callable[[datetime], Awaitable[None]], every_s: float) -> None:
    """The chore at once and then every so often, whatever comes of it."""
    while True:
        wait_s = every_s
        try:
            await chore(datetime.now(UTC))
        except CarrelError as error:
            log.warning("%s", error)
            if error.code is Code.UNAVAILABLE:
                wait_s = min(AGAIN_S, every_s)
        except Exception:
            log.exception("A chore failed; it is tried again.")
        await asyncio.sleep(wait_s)


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="[housekeeping] %(levelname)s %(message)s")
    ours = installation.load(Path(os.environ["CARREL_ETC"]))
    # The hub gives its own services a token that is made anew with each of its starts.
    hub = HubApi(os.environ["JUPYTERHUB_API_TOKEN"], os.environ["JUPYTERHUB_API_URL"])
    settings = ours.settings
    store, node = open_store(settings), node_api.of(settings)
    chores = Chores(settings, store, hub, node)
    ordered = Ordered(store, node, settings.data_dir)
    packages = Packages(store, node, ours)
    # The hub starts this process as soon as it listens.
    grace_s, began = settings.sessions.stop_grace_s, datetime.now(UTC)
    reconciler = Reconciler(store, hub, node, grace_s, began)
    proxy = ProxyWatch(os.environ["CARREL_PROXY_API"], ours.secret("proxy/token"), hub)
    reentry = Reentry(store, hub, datetime.now(UTC))
    drives = DriveKeeper(store, node, Told.of(ours), partial(drive_bearers.bearers, settings))
    shown = ShownCourses(store, hub, node, settings.project, stop_timeout_s(settings))
    tasks = [
        asyncio.create_task(again_and_again(chore, every_s))
        for chore, every_s in (
            (reentry.bring_back, REENTRY_EVERY_S),
            (chores.put_out, EVERY_S),
            (chores.remove_homes, EVERY_S),
            (chores.measure, MEASURE_EVERY_S),
            (ordered.look, ORDERS_EVERY_S),
            (ordered.repair, REPAIR_EVERY_S),
            (packages.look, PACKAGES_EVERY_S),
            (packages.repair, REPAIR_EVERY_S),
            (reconciler.look, RECONCILE_EVERY_S),
            (proxy.look, PROXY_EVERY_S),
            (EngineLook(store, node).look, ENGINE_EVERY_S),
            (shown.look, COURSES_EVERY_S),
            (drives.look, DRIVE_EVERY_S),
        )
    ]
    ended = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, ended.set)
    await ended.wait()
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
