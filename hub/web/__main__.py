"""``python -m hub.web``: serves until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tornado.log import app_log, enable_pretty_logging

from hub import installation, origins, store
from hub.web.app import make_app
from hub.web.auth import hub_oauth

PORT = 8600
MOST_BODY_BYTES = 2**20


async def main() -> None:
    enable_pretty_logging()
    ours = installation.load(Path(os.environ["CARREL_ETC"]))
    database = store.open_store(ours.settings)
    database.migrate()  # whichever of hub and web comes first
    oauth = hub_oauth(ours.secret("web/token"), origins.of(ours.settings.server))
    app = make_app(ours, database, oauth)
    # xheaders: the proxy is the only one on this network that passes requests on.
    server = app.listen(PORT, xheaders=True, max_body_size=MOST_BODY_BYTES)
    app_log.info("Carrel's pages are served on port %d", PORT)
    ended = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, ended.set)
    await ended.wait()
    server.stop()
    await server.close_all_connections()


asyncio.run(main())
