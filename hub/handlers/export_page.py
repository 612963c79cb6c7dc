"""Sends a person everything that is kept about them, as one archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from tornado import web
from tornado.iostream import StreamClosedError

from hub import export, node_api, powers
from hub.accounts import Account
from hub.handlers.form import Form
from hub.powers import Actor
from spawner.names import canonical


class ExportPage(Form):
    """GET asks, POST sends and leaves a line in the audit: one's own, or by an admin anybody's."""

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
        async with node_api.of(self.authenticator.carrel).archive(whose) as home:
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
