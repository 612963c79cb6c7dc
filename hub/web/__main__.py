"""``python -m hub.web``: serves until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tornado.log import app_log, enable_pretty_logging

from hub import installation, origins, store
from hub.hub_api import HubApi
from hub.web.app import MOST_BODY_BYTES, PORT, make_app
from hub.web.auth import HUB_API, hub_oauth


async def main() -> None:
    enable_pretty_logging()
    ours = installation.load(Path(os.environ["CARREL_ETC"]))
    database = store.open_store(ours.settings)
    database.migrate()  # whichever of hub and web comes first
    token = ours.secret("web/token")
    oauth = hub_oauth(token, origins.of(ours.settings.server), HUB_API)
    app = make_app(ours, database, oauth, HubApi(token, HUB_API))
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
