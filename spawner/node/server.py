"""node running: its parts put together, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal

from aiohttp import web

from spawner.errors import CarrelError, Code
from spawner.node import listener, roots
from spawner.node.actions import Actions
from spawner.node.app import Application
from spawner.node.config import NodeConfig
from spawner.node.engine import Engine
from spawner.node.firewall_keeper import Keeper
from spawner.node.inventory import take_inventory
from spawner.node.layout import ensure_layout
from spawner.node.socket_watch import until_replaced

log = logging.getLogger("carrel.node")

_SHUTDOWN_S = 3.0


def run(settings: NodeConfig) -> None:
    """Raises CarrelError if node cannot begin or must begin anew, and what ended the keeper."""
    ensure_layout(settings)
    found = take_inventory()
    log.info("GPUs: %s", ", ".join(gpu.name for gpu in found.gpus) or found.reason)
    asyncio.run(serve(settings))


async def serve(settings: NodeConfig) -> None:
    """Until SIGTERM or SIGINT."""
    keeper = Keeper(settings)
    await keeper.check()
    engine = Engine(settings.engine_socket)
    former = roots.remember(settings.data_dir / "node", settings.session_uid)
    actions = Actions(settings, engine, lambda: keeper.status, former)
    runner = web.AppRunner(
        Application(actions, engine, settings.hub_uid).make(),
        access_log=None,
        handler_cancellation=True,  # a caller that leaves an event stream ends it
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    socket = listener.listen(settings.socket, settings.hub_uid)
    made = settings.socket.lstat()
    await web.SockSite(runner, socket).start()
    finishing = asyncio.create_task(_finish(actions))
    log.info("node listens on %s for project %s", settings.socket, settings.project)
    try:
        await _until_stopped(keeper, settings)
    finally:
        listener.forget(settings.socket, made)
        finishing.cancel()
        actions.homes.close()
        await runner.cleanup()
        await engine.close()


async def _finish(actions: Actions) -> None:
    """What an earlier node was killed at, and what is left behind later."""
    await actions.homes.finish_removals()
    await actions.jobs.clear_again_and_again()


async def _until_stopped(keeper: Keeper, settings: NodeConfig) -> None:
    """Raises CarrelError(UNAVAILABLE) when the engine's socket is another one by now."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    keeping = asyncio.create_task(keeper.run())
    replaced = asyncio.create_task(until_replaced(settings.engine_socket))
    stopping = asyncio.create_task(stop.wait())
    done, waiting = await asyncio.wait(
        (keeping, replaced, stopping), return_when=asyncio.FIRST_COMPLETED
    )
    for task in waiting:
        task.cancel()
    if keeping in done:
        keeping.result()
    if replaced in done:
        raise CarrelError(
            Code.UNAVAILABLE,
            "The engine was restarted and has a new socket; node ends to be started with it.",
            "Its container's restart policy does that; the firewall stays.",
        )
    log.info("node stops; the firewall stays")
