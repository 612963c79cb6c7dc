"""The page behind a setup link: whoever holds one makes the account and is logged in.

The link is ``<public_url>/hub/setup#<token>``. A fragment never reaches a server, so the token is
in no log; ``setup_page.js`` moves it into the form, and it travels in the body of the POST alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tornado import web

from hub import accounts, audit, passwords, setup_links
from hub.accounts import Account
from hub.audit import By
from hub.entry_form import EntryForm
from spawner.errors import CarrelError, Code
from spawner.names import canonical

SCRIPT = Path(__file__).with_suffix(".js")


@dataclass(frozen=True)
class Form:
    """What the page sends."""

    code: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    password2: str = field(default="", repr=False)


def problems(form: Form, min_length: int) -> dict[str, str]:
    """What stands in the way, by field, all at once (pure)."""
    found = {}
    if not form.code:
        found["code"] = "Paste the code: the part of the setup link after the #."
    name = form.username
    try:
        name = canonical(form.username)
    except CarrelError as error:
        found["username"] = str(error)
    try:
        passwords.ensure_acceptable(form.password, name, min_length)
    except CarrelError as error:
        found["password"] = str(error)
    if form.password != form.password2:
        found["password2"] = "The two passwords differ."
    return found


def finish(tx: sa.Connection, form: Form, password_hash: str, by: By) -> Account:
    """Makes the account and uses the link up: both or neither.

    Raises CarrelError: REFUSED for the link, CONFLICT for a name that is taken.
    """
    role = setup_links.use(tx, form.code, canonical(form.username), by)
    account = accounts.create(tx, form.username, role, password_hash, by)
    accounts.note_login(tx, account.name, by.at)
    return account


class SetupHandler(EntryForm):
    """GET shows the form, POST makes the account."""

    def check_xsrf_cookie(self) -> None:
        try:
            super().check_xsrf_cookie()
        except web.HTTPError as error:
            # The hub's own sentence speaks of cookies; an anonymous form lives for an hour.
            raise web.HTTPError(
                error.status_code, "This form was open for too long. Open the setup link again."
            ) from error

    async def get(self) -> None:
        await self._show(Form(), {})

    async def post(self) -> None:
        form = Form(
            code=self.get_body_argument("code", "", strip=True),
            username=self.get_body_argument("username", "", strip=True),
            password=self.get_body_argument("password", "", strip=False),
            password2=self.get_body_argument("password2", "", strip=False),
        )
        try:
            account = await self._create(form)
        except CarrelError as error:
            if error.code is Code.REFUSED:
                await self._show(form, {}, unusable=error)
            elif error.code is Code.CONFLICT:
                await self._show(form, {"username": str(error)})
            else:
                raise web.HTTPError(error.code.value, str(error)) from error
            return
        if account:
            await self._log_in(account)

    async def _create(self, form: Form) -> Account | None:
        """The new account; None when the form was shown again with what is wrong in it."""
        store, now = self.authenticator.store, datetime.now(UTC)
        if form.code:
            await store.in_thread(store.read, setup_links.role_of, form.code, now)
        if found := problems(form, self.authenticator.carrel.auth.password_min_length):
            await self._show(form, found)
            return None
        # Only now, so that nobody without a link can make the hub hash.
        password_hash = await passwords.in_slot(passwords.hash_password, form.password)
        by = By(audit.SETUP_LINK, now, self.authenticator.address(self))
        account: Account = await store.in_thread(store.decide, finish, form, password_hash, by)
        return account

    async def _log_in(self, account: Account) -> None:
        """As the hub's login does, without asking for the password a second time."""
        user = await self.auth_to_user(self.authenticator.model(account))
        self.set_login_cookie(user)
        user._auth_refreshed = time.monotonic()
        self.log.info("User set up and logged in: %s", user.name)
        self.redirect(self.get_next_url(user))

    async def _show(
        self, form: Form, found: dict[str, str], unusable: CarrelError | None = None
    ) -> None:
        if unusable or found:
            self.set_status(403 if unusable else 400)
        values: dict[str, Any] = {
            "form": form,
            "problems": found,
            "unusable": unusable,
            "min_length": self.authenticator.carrel.auth.password_min_length,
            "next": self.get_argument("next", ""),
        }
        self.finish(await self.render_template("setup.html", **values))


class SetupScriptHandler(web.RequestHandler):
    """The page's script: a file of its own, so that a strict policy can allow it later."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache")
        self.finish(SCRIPT.read_bytes())
