"""Sends a person everything that is kept about them, as one archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar

from tornado import web
from tornado.iostream import StreamClosedError

from hub import export, node_api, powers
from hub.accounts import Account
from hub.handlers.form import Form
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from spawner.names import canonical

MOST_OWN = 2
"""Archives of their own that people take at once: one fewer than node makes (MOST_ARCHIVES), so
that whoever takes theirs slowly keeps no administrator waiting."""


class ExportPage(Form):
    """GET asks, POST sends and leaves a line in the audit: one's own, or by an admin anybody's."""

    _under_way: ClassVar[dict[str, bool]] = {}
    """Who takes an archive now, and whether they see everybody."""

    @web.authenticated
    async def get(self, name: str | None = None) -> None:
        _, whose = await self._asked(name)
        await self.show("export.html", 200, whose=whose)

    async def _asked(self, name: str | None) -> tuple[Account, str]:
        """Who asks, and about whom. Raises CarrelError(REFUSED)."""
        account = await self.own_account()
        whose = canonical(name) if name is not None else account.name
        powers.require_export(Actor.of(account), whose)
        return account, whose

    @web.authenticated
    async def post(self, name: str | None = None) -> None:
        account, whose = await self._asked(name)
        # Opened first: where the home cannot be had, the answer is a sentence and no archive.
        async with (
            self._place(Actor.of(account)),
            node_api.of(self.authenticator.carrel).archive(whose) as home,
        ):
            known = await self.store.in_thread(
                self.store.decide, export.begin, whose, self.by(account.name)
            )
            self._announce(export.file_name(whose, datetime.now(UTC)))
            try:
                await self._send(known, home)
            except BaseException as error:
                # Hung up without an end: nobody must take a part for the whole.
                self.request.connection.close()
                if isinstance(error, StreamClosedError):
                    self.log.info("The export of %s was not taken to its end.", whose)
                    raise web.Finish from error
                raise

    @asynccontextmanager
    async def _place(self, actor: Actor) -> AsyncIterator[None]:
        """One archive at a time for each. Raises CarrelError(UNAVAILABLE)."""
        own = sum(not everybody for everybody in self._under_way.values())
        if actor.name in self._under_way or (not actor.sees_everybody and own >= MOST_OWN):
            raise CarrelError(
                Code.UNAVAILABLE,
                "You are taking an archive already."
                if actor.name in self._under_way
                else "Others are taking their archives.",
                "Try again when that is done.",
            )
        self._under_way[actor.name] = actor.sees_everybody
        try:
            yield
        finally:
            del self._under_way[actor.name]

    def _announce(self, file_name: str) -> None:
        self.set_header("Content-Type", "application/x-tar")
        self.set_header("Content-Disposition", f'attachment; filename="{file_name}"')
        self.set_header("X-Content-Type-Options", "nosniff")

    async def _send(self, known: bytes, home: AsyncIterator[bytes] | None) -> None:
        self.write(known)
        await self.flush()
        if home is not None:
            async with aclosing(home) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    self.write(piece)
                    await self.flush()
        self.finish(export.END)
