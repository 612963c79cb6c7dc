"""Where every Open leads: into the person's running session, in the interface they like.

A link may name a file below /content (``path``) and an interface for this once (``in``). What is
remembered comes by POST, with the form's token: a GET that changed it would let any page, or a
browser that loads links ahead, change somebody's habit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from tornado import web

from hub import accounts
from hub.enums import Interface
from hub.handlers.form import Form
from hub.handlers.session_files import holds
from hub.session_paths import is_below_content
from spawner.background import keep
from spawner.errors import CarrelError, Code

WELCOME = "Welcome.ipynb"
"""What images/session puts into a new home."""
POLL_S = 3.0
"""How long the engine is waited for before a session that seems to run is opened."""


@dataclass(frozen=True)
class Asked:
    """What somebody wants to open; ``interface`` None is the one they like."""

    path: str = ""
    interface: Interface | None = None

    @property
    def query(self) -> str:
        values = {"path": self.path, "in": self.interface.value if self.interface else ""}
        return urlencode({key: value for key, value in values.items() if value})


def parse(path: str, interface: str) -> Asked:
    """What a link or a form asked for (pure).

    Raises CarrelError(BAD_INPUT) for what is no path below /content, and for other interfaces.
    """
    if interface and interface not in {known.value for known in Interface}:
        raise CarrelError(
            Code.BAD_INPUT, "There is no such interface.", "Say in=lab or in=notebook."
        )
    if path and not is_below_content(path):
        raise CarrelError(
            Code.BAD_INPUT,
            "This link does not name a file in /content.",
            "Paths start below /content, as in path=course/first.ipynb.",
        )
    return Asked(path, Interface(interface) if interface else None)


def where(asked: Asked, liked: Interface | None) -> str:
    """The address below the session's own, quoted (pure).

    Without a word from anybody a notebook opens in Notebook's view, which shows it alone, and
    everything else in JupyterLab.
    """
    path = quote(asked.path)
    notebook = path.removesuffix("/").endswith(".ipynb")
    default = Interface.NOTEBOOK if notebook else Interface.LAB
    if (asked.interface or liked or default) is Interface.LAB:
        return f"lab/tree/{path}" if path else "lab"
    return f"{'notebooks' if notebook else 'tree'}/{path}" if path else "tree"


class OpenPage(Form):
    """GET leads there; POST remembers the interface first."""

    @web.authenticated
    async def get(self) -> None:
        asked = parse(
            self.get_query_argument("path", "", strip=False), self.get_query_argument("in", "")
        )
        await self._lead(asked)

    @web.authenticated
    async def post(self) -> None:
        asked = parse(self.field("path", strip=False), self.field("in"))
        if asked.interface:
            await self.store.in_thread(
                self.store.decide,
                accounts.set_interface, self.current_user.name, asked.interface,
            )  # fmt: skip
        await self._lead(asked)

    async def _lead(self, asked: Asked) -> None:
        user = self.current_user
        if user.running:
            # One that died unnoticed would answer with the proxy's error page.
            # An engine that takes its time says nothing about it, and keeps nobody waiting.
            await asyncio.wait([keep(user.spawner.poll_and_notify())], timeout=POLL_S)
        if not user.spawner.ready:
            # JupyterHub carries `next` through login, start and progress page.
            back = f"{self.hub.base_url}open?{asked.query}"
            more = f"?{urlencode({'next': back})}" if asked.query else ""
            self.redirect(f"{self.hub.base_url}spawn{more}", status=303)
            return
        if asked.path == WELCOME and not await holds(user.spawner, WELCOME):
            # The site's own image has none, and it may be deleted.
            asked = replace(asked, path="")
        account = await self.own_account()
        # With its host, where each session has one of its own; ends in a slash.
        self.redirect(f"{user.url}{where(asked, account.interface)}", status=303)
