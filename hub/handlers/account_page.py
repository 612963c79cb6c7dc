"""One's own account: what one is called, the password, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tornado import web

from hub import accounts, login, passwords
from hub.accounts import Account
from hub.attempts import Limits
from hub.handlers.form import Form
from hub.handlers.logins import end_other_logins
from hub.login import Login
from spawner.errors import CarrelError, Code


class AccountPage(Form):
    """GET shows it; POST changes the name or the password."""

    @web.authenticated
    async def get(self) -> None:
        await self._show(await self._account(), {})

    @web.authenticated
    async def post(self) -> None:
        account = await self._account()
        if self.field("change") == "password":
            await self._set_password(account)
        else:
            await self._set_full_name(account)

    async def _account(self) -> Account:
        account: Account = await self.store.in_thread(
            self.store.read, accounts.require_enabled, self.current_user.name
        )
        return account

    async def _set_full_name(self, account: Account) -> None:
        full_name = self.field("full_name")
        try:
            await self.store.in_thread(
                self.store.decide, accounts.set_full_name, account.name, full_name,
                self.by(account.name),
            )  # fmt: skip
        except CarrelError as error:
            if error.code is not Code.BAD_INPUT:
                raise
            await self._show(account, {"full_name": str(error)})
            return
        await self._show(await self._account(), {}, done="full_name")

    async def _set_password(self, account: Account) -> None:
        if account.password_hash is None:
            raise CarrelError(Code.REFUSED, "This account has no password.", "Log in as always.")
        if found := await self._password_problems(account):
            await self._show(account, found)
            return
        new = self.new_password().password
        hashed = await passwords.in_slot(passwords.hash_password, new)
        await self.store.in_thread(
            self.store.decide, accounts.set_password, account.name, hashed, self.by(account.name)
        )
        end_other_logins(self, account.name)
        await self.log_in(account)
        await self._show(account, {}, done="password")

    async def _password_problems(self, account: Account) -> dict[str, str]:
        found = self.new_password().problems(account.name, self.min_length)
        if found:
            return found
        # Counted like a login: an open browser is no place to guess the password from.
        old = Login(account.name, self.field("old", strip=False), self.authenticator.address(self))
        limits, now = Limits.of(self.authenticator.carrel.auth), datetime.now(UTC)
        outcome = await passwords.in_slot(login.check, self.store, old, limits, now)
        if isinstance(outcome, Account):
            return {}
        wrong = outcome.message == login.WRONG
        return {"old": "This is not your password." if wrong else outcome.message}

    async def _show(self, account: Account, found: dict[str, str], done: str = "") -> None:
        values: dict[str, Any] = {"account": account, "problems": found, "done": done}
        await self.show("account.html", 400 if found else 200, **values)
