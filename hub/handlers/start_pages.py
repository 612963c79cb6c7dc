"""Home, start and progress page: JupyterHub's own, with what Carrel knows of the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HomeHandler, SpawnHandler, SpawnPendingHandler
from tornado.httputil import url_concat

from hub import accounts, course_profiles, drive_standing, moments, reach, sessions
from hub.course_profiles import Opening
from hub.drive_standing import Drive
from hub.enums import Interface, State, Unknown
from hub.handlers.one_start import OneStart, UnderWay
from hub.handlers.open_page import WELCOME
from hub.sessions import Session
from spawner.errors import CarrelError

if TYPE_CHECKING:
    from hub.authenticator import Accounts


@dataclass(frozen=True)
class Visit:
    """Who comes, for the templates."""

    called: str = ""
    interface: Interface | None = None
    session: Session | None = None
    """What runs, starts or is being stopped."""
    unknown: Unknown | None = None
    """Why nothing is known of it at the moment."""
    first: bool = False
    """Never had a session that ran, or have their first now."""
    opening: Opening | None = None
    """The course that a start goes on to."""
    drive: Drive | None = None


def visit_of(tx: sa.Connection, name: str, course: str = "") -> Visit:
    """What is on record about somebody, and about the course that they come for."""
    account = accounts.find(tx, name)
    if account is None:
        return Visit(name)
    past = sessions.of_user(tx, name, since=account.created_at)
    ran = [session for session in past if session.ready_at]
    session, now = sessions.active_of(tx, name), datetime.now(UTC)
    return Visit(
        called=account.called,
        interface=account.interface,
        session=session,
        unknown=reach.unknown(session, reach.last(tx), now) if session else None,
        first=not any(session.ended_at for session in ran),
        opening=course_profiles.opening(tx, name, course) if course else None,
        drive=drive_standing.look(tx, name, now),
    )


class _Visited(BaseHandler):
    """Reads once who comes; templates find it as ``visit``."""

    authenticator: Accounts
    visit = Visit()
    welcomes = False
    """Whether the first session opens with the Welcome notebook."""

    @property
    def course(self) -> str:
        """Which a start from this page goes on to, as the address says."""
        return ""

    async def prepare(self) -> None:
        await super().prepare()
        if self.current_user is None:
            return
        store = self.authenticator.store
        try:
            self.visit = await store.in_thread(
                store.read, visit_of, self.current_user.name, self.course
            )
        except CarrelError as error:
            # The pages are there without it: they show what runs, and starting says what is wrong.
            self.log.error("Nothing is known of %s now: %s", self.current_user.name, error)

    @property
    def template_namespace(self) -> dict[str, Any]:
        return {
            **super().template_namespace,
            "visit": self.visit,
            "drive_configured": self.authenticator.carrel.drive.configured,
            "spelled": moments.spelled,
        }

    def get_next_url(self, user: Any = None, default: str | None = None) -> str:
        """Without a ``next``, their own session opens as they like it; the first with a welcome."""
        if default and self.current_user and default == self.current_user.url:
            greet = self.welcomes and self.visit.first
            default = url_concat(f"{self.hub.base_url}open", {"path": WELCOME} if greet else {})
        url: str = super().get_next_url(user, default)
        return url

    def with_next(self, url: str) -> str:
        """``url`` with the ``next`` that this page was asked for, if it was."""
        wanted = self.get_argument("next", "")
        return url_concat(url, {"next": wanted}) if wanted else url


class HomePage(_Visited, HomeHandler):
    """What runs, or what can be started."""


class StartPage(_Visited, OneStart, SpawnHandler):
    """What can be started."""

    @property
    def course(self) -> str:
        return course_profiles.slug_in(self.get_argument("next", ""), self.hub.base_url)

    async def _post(self, user_name: str, server_name: str, display_name: str) -> None:
        user = self.current_user
        if user_name == user.name and self.is_beginning(user):
            # Asked for twice, by two clicks or two tabs: both see how far it is.
            self.redirect(self._get_pending_url(user, server_name))
            return
        await super()._post(user_name, server_name, display_name)

    async def _wrap_spawn_single_user(self, user: Any, server_name: str, *more: Any) -> None:
        try:
            await super()._wrap_spawn_single_user(user, server_name, *more)
        except UnderWay:
            self.redirect(self._get_pending_url(user, server_name))


class ProgressPage(_Visited, SpawnPendingHandler):
    """A start as it goes on, and how to begin again when it failed."""

    welcomes = True

    def render_template(self, name: str, sync: bool = False, **values: Any) -> Any:
        spawn = f"{self.hub.base_url}spawn"
        values["spawn_url"] = self.with_next(values.get("spawn_url", spawn))
        waits = self.visit.session and self.visit.session.state is State.QUEUED
        if name == "not_running.html" and waits and values.get("user") is self.current_user:
            # The hub was restarted; housekeeping has it go on with them in a moment.
            name = "place_kept.html"
        return super().render_template(name, sync=sync, **values)
