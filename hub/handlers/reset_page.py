"""The page behind a reset link: whoever holds one sets a new password and is logged in.

As with invitations, the token is in the link's fragment and travels by POST alone.
"""

from __future__ import annotations

from datetime import UTC, datetime

from hub import accounts, audit, passwords, resets
from hub.accounts import Account
from hub.handlers.form import Form, Told
from hub.handlers.logins import end_logins
from spawner.errors import CarrelError, Code


class ResetPage(Form):
    """GET shows the form, POST sets the password."""

    reopen = "Open the reset link again."

    async def get(self) -> None:
        await self._show("", None, {})

    async def post(self) -> None:
        code = self.field("code")
        if self.field("look"):
            await self.look(self._told(code))
            return
        try:
            account = await self._set(code, await self._account(code))
        except CarrelError as error:
            if error.code is not Code.REFUSED:
                raise
            await self._show("", None, {}, unusable=error)
            return
        if account:
            end_logins(self, account.name, but_here=False)
            await self.log_in(account)
            self.redirect(self.get_next_url(self.current_user))

    async def _account(self, code: str) -> Account:
        account: Account = await self.store.in_thread(
            self.store.read, resets.find_usable, code, datetime.now(UTC)
        )
        return account

    async def _told(self, code: str) -> Told:
        account = await self._account(code)
        return Told({"username": account.name}, {"account": account.name})

    async def _set(self, code: str, account: Account) -> Account | None:
        """None when the form was shown again with what is wrong in it."""
        new = self.new_password()
        if found := new.problems(account.name, self.min_length):
            await self._show(code, account, found)
            return None
        hashed = await passwords.in_slot(passwords.hash_password, new.password)
        by = self.by(audit.RESET)
        changed: Account = await self.store.in_thread(
            self.store.decide, resets.use, code, hashed, by
        )
        await self.store.in_thread(self.store.decide, accounts.note_login, changed.name, by.at)
        return changed

    async def _show(
        self,
        code: str,
        account: Account | None,
        found: dict[str, str],
        unusable: CarrelError | None = None,
    ) -> None:
        status = 403 if unusable else 400 if found else 200
        values = {"code": code, "account": account, "problems": found, "unusable": unusable}
        await self.show("reset.html", status, **values)
