"""Adds the session's own pages to its server, and what it does beside them."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from jupyter_server.utils import url_path_join

from carrel_session import settings
from carrel_session.courses import CoursePage
from carrel_session.errands import Errands
from carrel_session.github import SharedPage
from carrel_session.open_list import OpenList
from carrel_session.publish import PublishPage


def load(server: Any) -> None:
    """Called by Jupyter Server at its start."""
    application = server.web_app
    application.settings["carrel"] = settings.read(os.environ, server.root_dir)
    application.settings["carrel_errands"] = Errands()

    def at(pattern: str) -> str:
        return url_path_join(application.settings["base_url"], "carrel", pattern)

    application.add_handlers(
        ".*$",
        [
            (at(r"course/([^/]+)(/.*)?"), CoursePage),
            (at(r"github/([^/]+)/([^/]+)/blob/(.+)"), SharedPage),
            (at(r"publish"), PublishPage),
        ],
    )


def start(server: Any) -> None:
    """Called once the server's loop runs; what is begun here ends with it."""
    settings = server.web_app.settings
    open_list = OpenList(server, settings["carrel"].home)
    # Kept: the loop holds its tasks weakly.
    settings["carrel_open_list"] = asyncio.create_task(open_list.run())
