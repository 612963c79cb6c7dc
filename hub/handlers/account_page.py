"""One's own account: what one is called, the password, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from tornado import web

from hub import accounts, login, passwords
from hub.accounts import Account
from hub.attempts import Limits
from hub.audit import By
from hub.handlers.form import Form
from hub.handlers.logins import end_logins
from hub.login import Login, Refusal
from spawner.errors import CarrelError, Code

DONE = {"full_name", "password"}
"""What the page may say is done, after the redirect that keeps a reload from sending it again."""


def change_password(tx: sa.Connection, checked: Account, password_hash: str, by: By) -> None:
    """Replaces the password that was ``checked``.

    Raises CarrelError(CONFLICT) when the account is no longer as it was: argon2 takes its time.
    """
    now = accounts.require_enabled(tx, checked.name)
    if now.password_hash != checked.password_hash:
        raise CarrelError(
            Code.CONFLICT, "Your password was changed elsewhere meanwhile.", "Load the page again."
        )
    accounts.set_password(tx, checked.name, password_hash, by)


class AccountPage(Form):
    """GET shows it; POST changes the name or the password."""

    @web.authenticated
    async def get(self) -> None:
        done = self.get_query_argument("done", "")
        await self._show(await self.own_account(), {}, done=done if done in DONE else "")

    @web.authenticated
    async def post(self) -> None:
        account = await self.own_account()
        change = self.field("change")
        if change == "password":
            await self._set_password(account)
        elif change == "full_name":
            await self._set_full_name(account)
        else:
            raise CarrelError(Code.BAD_INPUT, "This form says nothing to change.", self.reopen)

    async def _set_full_name(self, account: Account) -> None:
        full_name, by = self.field("full_name"), self.by(account.name)
        try:
            await self.store.in_thread(
                self.store.decide, accounts.set_full_name, account.name, full_name, by
            )
        except CarrelError as error:
            if error.code is not Code.BAD_INPUT:
                raise
            await self._show(account, {"full_name": str(error)}, full_name=full_name)
            return
        self._done("full_name")

    async def _set_password(self, account: Account) -> None:
        self.authenticator.carrel.require_passwords()
        if account.password_hash is None:
            raise CarrelError(Code.REFUSED, "This account has no password.", "Log in as always.")
        new = self.new_password()
        if found := new.problems(account.name, self.min_length):
            await self._show(account, found)
            return
        checked = await self._check_old(account)
        if isinstance(checked, Refusal):
            wrong = checked.message == login.WRONG
            says = "This is not your password." if wrong else checked.message
            await self._show(account, {"old": says})
            return
        hashed = await passwords.in_slot(passwords.hash_password, new.password)
        await self.store.in_thread(
            self.store.decide, change_password, checked, hashed, self.by(account.name)
        )
        end_logins(self, account.name, but_here=True)
        await self.log_in(account)
        self._done("password")

    async def _check_old(self, account: Account) -> Account | Refusal:
        # Counted like a login: an open browser is no place to guess the password from.
        old = Login(account.name, self.field("old", strip=False), self.authenticator.address(self))
        limits, now = Limits.of(self.authenticator.carrel.auth), datetime.now(UTC)
        wait = await self.store.in_thread(self.store.read, login.precheck, old, limits, now)
        if wait:
            return wait
        outcome: Account | Refusal = await passwords.in_slot(
            login.check, self.store, old, limits, now
        )
        return outcome

    def _done(self, what: str) -> None:
        self.redirect(f"{self.hub.base_url}account?done={what}", status=303)

    async def _show(
        self, account: Account, found: dict[str, str], done: str = "", full_name: str | None = None
    ) -> None:
        values: dict[str, Any] = {
            "account": account,
            "full_name": account.full_name if full_name is None else full_name,
            "problems": found,
            "done": done,
        }
        await self.show("account.html", 400 if found else 200, **values)
