"""People's Drives, in the hub's API, for the sidecars that sync them.

    POST /hub/api/carrel/drive/access    {}: {"access_token", "expires_at", "settings"}
         403 {"state", "message"} where nothing is to be synced; 503 where Google cannot be asked
    POST /hub/api/carrel/drive/report    a report (hub.drive_reports): {"settings"}

with the header ``Authorization: Carrel <bearer>``, of one sidecar of one session (hub.drive_syncs);
401 for any other. A sidecar reads and writes its own user's rows: no name is in what it sends.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hub import accounts, drive_bearers, drive_links, drive_orders, drive_reports, drive_syncs
from hub.drive_links import Link
from hub.drive_syncs import Sync
from hub.drive_tokens import JUST_NOW, DriveTokens
from hub.enums import SyncState
from hub.handlers.api import Api
from spawner.errors import CarrelError, Code

MOST_BEARER = 100


class DriveApi(Api):
    """What both kinds of callers share: the tokens of this process, and no trace of them."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    @property
    def tokens(self) -> DriveTokens:
        return self.authenticator.drive

    async def read(self, function: Any, *args: Any) -> Any:
        store = self.authenticator.store
        return await store.in_thread(store.read, function, *args)

    async def decide(self, function: Any, *args: Any) -> Any:
        store = self.authenticator.store
        return await store.in_thread(store.decide, function, *args)


class SidecarApi(DriveApi):
    """For whoever holds the bearer of a sidecar that has not ended."""

    sync: Sync

    async def prepare(self) -> None:
        await super().prepare()
        kind, _, bearer = self.request.headers.get("Authorization", "").partition(" ")
        found: Sync | None = None
        if kind == "Carrel" and 0 < len(bearer) <= MOST_BEARER:
            store = self.authenticator.store
            bearers = await store.in_thread(drive_bearers.bearers, self.authenticator.carrel)
            found = await self.read(drive_syncs.by_bearer, bearer, bearers, datetime.now(UTC))
        if found is None:
            self.set_status(401)
            self.finish({"message": "This bearer opens nothing (any more)."})
            return
        self.sync = found

    def check_xsrf_cookie(self) -> None:
        """No browser sends a bearer by itself."""

    def _log(self) -> None:
        # Each sidecar tells something every few seconds.
        if self.get_status() >= 400:
            super()._log()


class AccessApi(SidecarApi):
    """An access token, and what to do with it."""

    async def post(self) -> None:
        user, now = self.sync.user, datetime.now(UTC)
        link, open_ones = await self.read(_stand, user)
        if self._refused(link):
            return
        try:
            access = await self.tokens.access(user, now, JUST_NOW)
        except CarrelError as error:
            if error.code is not Code.CONFLICT:
                raise
            link, _ = await self.read(_stand, user)
            if not self._refused(link):
                raise
            return
        self.write(
            {
                "access_token": access.token,
                "expires_at": access.expires_at.timestamp(),
                "settings": drive_orders.orders(self.authenticator.carrel.drive, link, open_ones),
            }
        )

    def _refused(self, link: Link | None) -> bool:
        why = drive_orders.why_not(link)
        if why:
            state, message = why
            self.set_status(403)
            self.finish({"state": state, "message": message})
        return why is not None


class ReportApi(SidecarApi):
    """What it does, and how far it is."""

    async def post(self) -> None:
        report = drive_reports.parse(self.request.body)
        session, text, now = self.sync.session, drive_reports.text(report), datetime.now(UTC)
        if report.state is SyncState.ENDED:
            await self.decide(drive_syncs.finish, session, text, report.result, now)
        else:
            await self.decide(drive_syncs.report, session, text, now)
        link, open_ones = await self.read(_stand, self.sync.user)
        if link is None:
            raise CarrelError(Code.REFUSED, drive_orders.DISCONNECTED)
        drive = self.authenticator.carrel.drive
        self.write({"settings": drive_orders.orders(drive, link, open_ones)})


def _stand(tx: sa.Connection, user: str) -> tuple[Link | None, int]:
    accounts.require_enabled(tx, user)
    return drive_links.find(tx, user), drive_syncs.count_open(tx)
