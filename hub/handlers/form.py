"""What forms with secrets share: they answer bytes that are no text, and repeat no secret."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub.handlers.login import LoginHandler
from tornado import web

from hub import accounts, passwords
from hub.accounts import Account
from hub.audit import By
from hub.handlers.errors import TellsErrors
from hub.store import Store
from spawner.errors import CarrelError

if TYPE_CHECKING:
    from hub.authenticator import Accounts

HERE = Path(__file__).parent
_SAME_ORIGIN, _TYPED_ADDRESS = "same-origin", "none"


@dataclass(frozen=True)
class NewPassword:
    """A new password as a form sends it, twice."""

    password: str = field(default="", repr=False)
    password2: str = field(default="", repr=False)

    def problems(self, name: str, min_length: int) -> dict[str, str]:
        """What stands in the way, by field (pure)."""
        found = {}
        try:
            passwords.ensure_acceptable(self.password, name, min_length)
        except CarrelError as error:
            found["password"] = str(error)
        if self.password != self.password2:
            found["password2"] = "The two passwords differ."
        return found


@dataclass(frozen=True)
class Told:
    """What a link is for: values for the form's fields and texts for the page, by element id."""

    fields: dict[str, str]
    texts: dict[str, str]


class Form(TellsErrors):
    """A form whose fields hold secrets; kept by no cache."""

    # What a form that was open for too long says.
    reopen = "Load the page again."
    authenticator: Accounts

    @property
    def store(self) -> Store:
        return self.authenticator.store

    @property
    def min_length(self) -> int:
        return self.authenticator.carrel.auth.password_min_length

    async def own_account(self) -> Account:
        """Of whoever is logged in. Raises CarrelError(REFUSED) when it is disabled."""
        account: Account = await self.store.in_thread(
            self.store.read, accounts.require_enabled, self.current_user.name
        )
        return account

    def by(self, who: str) -> By:
        return By(who, datetime.now(UTC), self.authenticator.address(self))

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Text, with U+FFFD for what is none; no name or password may hold that.

        Tornado's own answer to such bytes shows them, on the page and in the log.
        """
        return value.decode(errors="replace")

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")

    def check_xsrf_cookie(self) -> None:
        self.require_our_own_page()
        try:
            super().check_xsrf_cookie()
        except web.HTTPError as error:
            # The hub's own sentence speaks of cookies; an anonymous form lives for an hour.
            raise web.HTTPError(
                error.status_code, f"This form was open for too long. {self.reopen}"
            ) from error

    def require_our_own_page(self) -> None:
        """Refuses forms that a browser says another site sent, a session's own host among them.

        The second line behind the XSRF token. Browsers say so over https and on localhost alone.
        """
        site = self.request.headers.get("Sec-Fetch-Site", _SAME_ORIGIN)
        if self.request.method == "POST" and site not in {_SAME_ORIGIN, _TYPED_ADDRESS}:
            raise web.HTTPError(403, f"This form came from another site. {self.reopen}")

    def field(self, name: str, *, strip: bool = True) -> str:
        text: str = self.get_body_argument(name, "", strip=strip)
        return text

    def new_password(self) -> NewPassword:
        return NewPassword(
            self.field("password", strip=False), self.field("password2", strip=False)
        )

    async def log_in(self, account: Account) -> None:
        """As the hub's login does, without asking for the password a second time."""
        user = await self.auth_to_user(await self.authenticator.model(account))
        before = self.get_current_user_cookie()
        if before and before.id != user.id:
            # Else services would go on taking this browser for whoever it was before.
            self.clear_login_cookie()
            self.set_session_cookie()
        self.set_login_cookie(user)
        user._auth_refreshed = time.monotonic()
        self.log.info("User logged in: %s", user.name)

    async def look(self, asking: Awaitable[Told]) -> None:
        """Answers the script that asks what a link is for; uses nothing up."""
        try:
            told = await asking
        except CarrelError as error:
            self.set_status(error.code.value)
            self.finish({"message": error.message, "hint": error.hint})
            return
        self.finish({"fields": told.fields, "texts": told.texts})

    async def show(self, template: str, status: int, **values: Any) -> None:
        """Answers with a page."""
        self.set_status(status)
        self.finish(await self.render_template(template, min_length=self.min_length, **values))


class LoginPage(Form, LoginHandler):
    """JupyterHub's login page."""

    def check_xsrf_cookie(self) -> None:
        self.require_our_own_page()
        LoginHandler.check_xsrf_cookie(self)


class Script(web.RequestHandler):
    """A page's script: a file of its own, so that a strict policy can allow it."""

    def initialize(self, name: str) -> None:
        self._path = HERE / name

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache")
        self.finish(self._path.read_bytes())
