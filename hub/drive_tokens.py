"""Access tokens of people's Drives, in the memory of the hub's process and nowhere else.

One person's token is minted once for all who ask at a time, and used until shortly before it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from hub import (
    accounts,
    audit,
    drive_consent,
    drive_google,
    drive_links,
    drive_sealing,
    drive_syncs,
)
from hub.audit import By
from hub.drive_consent import Tokens
from hub.drive_google import Faults, GoogleError
from hub.drive_links import Consent, Link
from hub.enums import DriveState
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code

EARLY = timedelta(minutes=5)
"""How long before its end a token is given to nobody any more."""
EVER = timedelta(hours=1)
JUST_NOW = timedelta(seconds=30)
"""For whoever was told by Google that the last one is no good: only minting finds out why."""
LOST = "Google does not let Carrel in any more."
SEALED_OTHERWISE = "Carrel's key for Drives is not the one that this Drive was connected with."


@dataclass(frozen=True)
class Access:
    """A token for an hour at most."""

    token: str = field(repr=False)
    expires_at: datetime
    minted_at: datetime
    sealed: str = field(repr=False)
    """What it was minted from: after a new consent it counts no more."""


class DriveTokens:
    """Of this process. Raises CarrelError everywhere."""

    def __init__(self, settings: Settings, store: Store, secret: Callable[[], str]) -> None:
        self._settings, self._store, self._secret = settings, store, secret
        self._cached: dict[str, Access] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def access(self, user: str, now: datetime, most_age: timedelta = EVER) -> Access:
        """A token of theirs that is good for minutes at least, minted at most so long ago.

        Raises CarrelError: CONFLICT where they are not connected (any more), UNAVAILABLE where
        Google, or the key, cannot be asked.
        """
        async with self._turns.setdefault(user, asyncio.Lock()):
            link = await self._link(user)
            cached = self._cached.get(user)
            if (
                cached
                and cached.sealed == link.sealed
                and cached.expires_at - now > EARLY
                and now - cached.minted_at < most_age
            ):
                return cached
            return await self._mint(link, now)

    async def link(self, user: str, code: str, verifier: str, by: By) -> Link | None:
        """Exchanges a code and puts the consent on record; the link as it was before.

        Raises CarrelError with the sentence for the page.
        """
        drive = self._settings.drive
        keys = await self._keys()
        back = drive_consent.redirect_uri(self._settings)
        fields = drive_consent.code_fields(drive, self._client(), code, verifier, back)
        try:
            tokens = await drive_google.exchange(drive, fields)
        except GoogleError as error:
            raise _not_exchanged(error.fault) from None
        try:
            before, root = await self._put_on_record(user, tokens, keys, by)
        except CarrelError:
            await self._give_back_unless_linked(user, tokens)
            raise
        self._cached.pop(user, None)
        # Giving back one token of an account ends all of them: only another account's may go.
        if before and before.sealed and before.root != root:
            await self._give_back(user, before.sealed)
        return before

    async def unlink(self, user: str, by: By) -> bool:
        """Takes the token off the record, then gives it back to Google; whether Google took it."""
        sealed: str | None = await self._store.in_thread(self._store.decide, _disconnect, user, by)
        self._cached.pop(user, None)
        return True if sealed is None else await self._give_back(user, sealed)

    async def _mint(self, link: Link, now: datetime) -> Access:
        assert link.sealed is not None
        drive, keys = self._settings.drive, await self._keys()
        opened = drive_sealing.open_(keys, link.user, link.sealed)
        if opened is None:
            raise await self._lose(link, SEALED_OTHERWISE)
        fields = drive_consent.refresh_fields(drive, self._client(), opened.token)
        try:
            tokens = await drive_google.exchange(drive, fields)
        except GoogleError as error:
            if error.fault is Faults.DEAD:
                raise await self._lose(link, LOST) from None
            raise _no_client() from None
        sealed = link.sealed
        newer = tokens.refresh and drive_sealing.seal(keys, link.user, tokens.refresh)
        if newer or opened.fresh:
            fresh = newer or opened.fresh
            reseal = (drive_links.reseal, link.user, link.sealed, fresh)
            if await self._store.in_thread(self._store.decide, *reseal):
                sealed = str(fresh)
        access = Access(tokens.access, tokens.expires_at, now, sealed)
        self._cached[link.user] = access
        return access

    async def _link(self, user: str) -> Link:
        link: Link = await self._store.in_thread(self._store.read, _usable, user)
        return link

    async def _lose(self, link: Link, problem: str) -> CarrelError:
        by = By(audit.HOUSEKEEPING, datetime.now(UTC))
        self._cached.pop(link.user, None)
        await self._store.in_thread(
            self._store.decide, drive_links.lose, link.user, link.sealed, problem, by
        )
        return reconnect()

    async def _give_back(self, user: str, sealed: str) -> bool:
        try:
            opened = drive_sealing.open_(await self._keys(), user, sealed)
        except CarrelError:
            return False
        return opened is not None and await drive_google.revoke(self._settings.drive, opened.token)

    async def _put_on_record(
        self, user: str, tokens: Tokens, keys: drive_sealing.Keys, by: By
    ) -> tuple[Link | None, str]:
        """The link as it was before, and the Drive that it is now."""
        drive = self._settings.drive
        drive_consent.require_granted(drive.scope, tokens.granted)
        if not tokens.refresh:
            raise _no_refresh()
        try:
            about = await drive_google.about(drive, tokens.access)
        except GoogleError:
            raise drive_google.away() from None
        sealed = drive_sealing.seal(keys, user, tokens.refresh)
        consent = Consent(sealed, drive.scope, about.email, about.root)
        before: Link | None = await self._store.in_thread(
            self._store.decide, drive_links.link, user, consent, by
        )
        return before, about.root

    async def _give_back_unless_linked(self, user: str, tokens: Tokens) -> None:
        """What came and is not kept; unless that would end a consent that works."""
        link: Link | None = await self._store.in_thread(self._store.read, drive_links.find, user)
        if link is None or link.state is not DriveState.LINKED:
            await drive_google.revoke(self._settings.drive, tokens.refresh or tokens.access)

    async def _keys(self) -> drive_sealing.Keys:
        return await self._store.in_thread(drive_sealing.keys, self._settings)

    def _client(self) -> str:
        try:
            return self._secret()
        except CarrelError:
            raise _no_client() from None


def _disconnect(tx: sa.Connection, user: str, by: By) -> str | None:
    drive_syncs.end_all_of(tx, user, by.at)
    return drive_links.disconnect(tx, user, by)


def _usable(tx: sa.Connection, user: str) -> Link:
    accounts.require_enabled(tx, user)
    link = drive_links.require_connected(tx, user)
    if link.state is DriveState.RECONNECT:
        raise reconnect()
    return link


def reconnect() -> CarrelError:
    """What is said of a consent that is dead."""
    return CarrelError(
        Code.CONFLICT,
        "Google does not let Carrel into your Drive any more.",
        "Press “Reconnect” on the page Drive.",
    )


def _no_client() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE,
        "Google does not know this Carrel: its client ID or secret is missing or wrong.",
        "Tell your administrator: ./carrel doctor --drive says more.",
    )


def _not_exchanged(fault: Faults) -> CarrelError:
    if fault is Faults.CLIENT:
        return _no_client()
    return CarrelError(
        Code.CONFLICT,
        "Google's answer is used up or too old.",
        "Press Connect again.",
    )


def _no_refresh() -> CarrelError:
    return CarrelError(
        Code.REFUSED,
        "Google gave no lasting permission.",
        "Remove Carrel at https://myaccount.google.com/permissions, then press Connect again.",
    )
