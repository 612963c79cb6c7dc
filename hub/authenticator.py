"""JupyterHub's side of getting in: Carrel's accounts decide, and nothing else does.

Which class of these it is, or ``sign_on_authenticator``'s, ``ways_in`` picks.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.user import User
from tornado import web
from traitlets import Bool, Integer

from hub import accounts, course_groups, passwords
from hub.accounts import Account
from hub.attempts import Limits
from hub.client_address import UNKNOWN, client_address
from hub.drive_tokens import DriveTokens
from hub.handlers import drive_pages_api
from hub.handlers.account_page import AccountPage
from hub.handlers.course_api import CopyApi, CoursesApi, PublishApi
from hub.handlers.demo_page import DemoLogin
from hub.handlers.drive_api import AccessApi, ReportApi
from hub.handlers.export_page import ExportPage
from hub.handlers.form import LoginPage, Script
from hub.handlers.invitation_page import InvitationPage
from hub.handlers.link_page import LinkPage
from hub.handlers.one_start import StartApi
from hub.handlers.open_page import OpenPage
from hub.handlers.reset_page import ResetPage
from hub.handlers.secret_api import SealApi, SecretApi
from hub.handlers.session_api import SessionApi, SessionsApi
from hub.handlers.start_pages import HomePage, ProgressPage, StartPage
from hub.login import WRONG, Login, Refusal, check, precheck
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code
from spawner.names import canonical

REFRESH_S = 5
"""How long the hub may go on without asking whether an account still stands."""


class Accounts(Authenticator):
    """What every way of logging in shares: ``hub.accounts`` decides who stands, and as what.

    Groups: everybody is in the hub group ``role-<role>``, so that the configuration can give
    teachers scopes, and in ``course-<slug>`` for each of their courses. The price is that
    JupyterHub's own group API is switched off; memberships come from Carrel's tables alone.
    """

    carrel: Settings
    store: Store
    drive: DriveTokens
    """People's Drives, in this process."""

    # What somebody once was in JupyterHub's database opens nothing.
    allow_all = Bool(True, config=True)
    allow_existing_users = Bool(False, config=True)
    manage_groups = Bool(True, config=True)
    auth_refresh_age = Integer(REFRESH_S, config=True)
    # Refusing to refresh means disabled or deleted, so it must hold for API tokens, and for
    # servers that somebody else starts, too.
    auth_refresh_strict = Bool(True, config=True)
    refresh_pre_spawn = Bool(True, config=True)

    async def refresh_user(
        self, user: User, handler: BaseHandler | None = None
    ) -> bool | dict[str, Any]:
        """False for accounts that are disabled or gone: their cookies and tokens end here.

        Disabling removes the hub's user at once; this is the second line, at most REFRESH_S late.
        """
        try:
            account = await self.store.in_thread(self.store.read, _enabled, user.name)
        except CarrelError as error:
            if error.code is Code.UNAVAILABLE:
                return True  # a database that cannot be asked throws nobody out
            raise
        if account is None:
            # JupyterHub 6.1.1 reads this attribute of requests that carry no token, unset.
            if handler is not None and not hasattr(handler, "_token_authenticated"):
                handler._token_authenticated = False
            return False
        try:
            model = await self.model(account)
        except CarrelError as error:
            if error.code is Code.UNAVAILABLE:
                return True
            raise
        same = user.admin == model["admin"] and {g.name for g in user.groups} == {*model["groups"]}
        return True if same else model

    async def model(self, account: Account) -> dict[str, Any]:
        """What JupyterHub is told of an account: its role and its courses are its groups.

        Nobody is an admin to JupyterHub: its own admin role cannot be narrowed. What ours may do
        is the role of their group, in ``hub.scopes``.
        """
        taken: list[str] = await self.store.in_thread(
            self.store.read, course_groups.of_user, account.name
        )
        return {
            "name": account.name,
            "admin": False,
            "groups": [f"role-{account.role.value}", *taken],
        }

    def normalize_username(self, username: str) -> str:
        """The canonical name; what cannot be one stays, for validate_username to refuse."""
        try:
            return canonical(username)
        except CarrelError:
            return username

    def validate_username(self, username: str) -> bool:
        """Canonical names alone."""
        try:
            return canonical(username) == username
        except CarrelError:
            return False

    def address(self, handler: BaseHandler) -> str:
        """Where the request comes from; see ``hub.client_address``."""
        network = self.carrel.network
        context = handler.request.connection.context
        peer = context.address[0] if isinstance(context.address, tuple) else UNKNOWN
        return client_address(
            peer,
            ",".join(handler.request.headers.get_list("X-Forwarded-For")),
            network.subnet,
            {network.proxy_address, *handler.app.trusted_downstream_ips},
            behind_tls_proxy=self.carrel.behind_tls_proxy,
        )

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """The pages of ``hub.handlers``."""
        demo = [(r"/demo", DemoLogin)] if self.carrel.demo else []
        return [
            *demo,
            (r"/login", LoginPage),
            (r"/invitation", InvitationPage),
            (r"/reset", ResetPage),
            (r"/account", AccountPage),
            (r"/export", ExportPage),
            (r"/export/([^/]+)", ExportPage),
            (r"/home", HomePage),
            (r"/spawn", StartPage),
            (r"/spawn/([^/]+)", StartPage),
            (r"/spawn-pending/([^/]+)", ProgressPage),
            (r"/open", OpenPage),
            (r"/open/(course|github)/(.+)", LinkPage),
            (r"/api/carrel/courses", CoursesApi),
            (r"/api/carrel/courses/([^/]+)/publish", PublishApi),
            (r"/api/carrel/courses/([^/]+)/copy", CopyApi),
            (r"/api/carrel/secrets/([^/]*)", SecretApi),
            (r"/api/carrel/seal", SealApi),
            (r"/api/carrel/drive/access", AccessApi),
            (r"/api/carrel/drive/report", ReportApi),
            *drive_pages_api.ROUTES,
            (r"/api/carrel/sessions", SessionsApi),
            (r"/api/carrel/users/([^/]+)/sessions/([0-9a-f]{12})", SessionApi),
            (r"/api/users/([^/]+)/server", StartApi),
            (r"/link\.js", Script, {"name": "link.js"}),
        ]


class CarrelAuthenticator(Accounts):
    """Lets in whoever knows the password of an account."""

    async def authenticate(self, handler: BaseHandler, data: Any) -> dict[str, Any]:
        """Checks what the login form (or the token API's ``auth``) holds.

        Raises HTTPError: 403 with one sentence for every cause, 429 when the limit is reached.
        """
        fields = data if isinstance(data, dict) else {}
        name, password = fields.get("username"), fields.get("password")
        if not isinstance(name, str) or not isinstance(password, str):
            raise web.HTTPError(403, WRONG)
        login, limits = Login(name, password, self.address(handler)), Limits.of(self.carrel.auth)
        outcome: Account | Refusal | None = await self.store.in_thread(
            self.store.read, precheck, login, limits, datetime.now(UTC)
        )
        if outcome is None:
            outcome = await passwords.in_slot(check, self.store, login, limits, datetime.now(UTC))
        if isinstance(outcome, Refusal):
            raise _refuse(outcome)
        return await self.model(outcome)


def for_installation(settings: Settings, store: Store) -> type[CarrelAuthenticator]:
    """The authenticator class of one installation.

    A class, because JupyterHub makes the object itself and copies what its configuration holds.
    """
    bound = {"carrel": settings, "store": store, "__module__": __name__}
    return type("CarrelAuthenticator", (CarrelAuthenticator,), bound)


def _enabled(tx: sa.Connection, name: str) -> Account | None:
    try:
        account = accounts.find(tx, name)
    except CarrelError:  # a name that only JupyterHub knows
        return None
    return account if account and account.enabled else None


def _refuse(refusal: Refusal) -> web.HTTPError:
    if refusal.retry_after_s is None:
        return web.HTTPError(403, refusal.message)
    return _TooMany(refusal)


class _TooMany(web.HTTPError):
    """429 with Retry-After: the hub's error page sends an exception's ``headers``."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(429, refusal.message)
        self.headers = {"Retry-After": str(refusal.retry_after_s)}
