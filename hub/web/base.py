"""What every handler shares: login, permission, pages, and one path for errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

from jinja2 import Environment
from jupyterhub.services.auth import (
    HubOAuth,
    HubOAuthCallbackHandler,
    HubOAuthenticated,
    UserNotAllowed,
)
from tornado.log import app_log
from tornado.web import HTTPError, RequestHandler

from hub import __version__, accounts, origins
from hub.audit import By
from hub.client_address import UNKNOWN, client_address
from hub.hub_api import HubApi
from hub.powers import Actor
from hub.scopes import PREFIX
from hub.settings import Settings
from hub.store import Store
from hub.web.auth import Person
from hub.web.once import Once
from spawner.errors import CarrelError, Code

T = TypeVar("T")

RETRY_AFTER_S = "5"
"""What is said to whoever asked for too much at a time, in seconds."""

HEADERS = {
    # No inline script or style, nothing from elsewhere, and nobody frames these pages.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Handler(HubOAuthenticated, RequestHandler):
    """A page or an API route; ``needs`` is a scope beyond being let in."""

    needs: ClassVar[str] = ""
    needs_says: ClassVar[str] = "You may not see this page."
    json_only: ClassVar[bool] = False
    person: Person

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)

    @property
    def hub_auth(self) -> HubOAuth:
        auth: HubOAuth = self.settings["hub_auth"]
        return auth

    @property
    def hub_scopes(self) -> set[str]:
        return {self.needs} if self.needs else set(self.hub_auth.access_scopes)

    async def prepare(self) -> None:
        """Finds out who asks; sends browsers to the login, and everybody else away."""
        model = await self._model()
        if model is None:
            if not self.wants_json:
                self.ask_to_log_in()
                return
            raise CarrelError(
                Code.REFUSED,
                "This needs a login or a token.",
                "Send the header: Authorization: token <token>.",
            )
        try:
            self.check_hub_user(model)
        except UserNotAllowed as error:
            raise CarrelError(
                Code.REFUSED,
                self.needs_says,
                "Ask your administrator if you need it.",
            ) from error
        self.current_user = self.person = await self._person(model)

    def ask_to_log_in(self) -> None:
        """Sends a browser that nobody is logged in with to the login, and back here."""
        self.redirect(self.get_login_url())

    async def _person(self, model: Mapping[str, Any]) -> Person:
        """Who it is to Carrel: the account decides at once, whatever the hub still believes."""
        if model.get("kind") == "service":
            return Person.of_service(model)
        account = await self.read(accounts.find, model["name"])
        if account is None or not account.enabled:
            raise CarrelError(
                Code.REFUSED, "This account is disabled or gone.", "Ask your administrator."
            )
        return Person.of(account, model)

    def check_xsrf_cookie(self) -> None:
        """JupyterHub's check, and what the browser itself says of where a form comes from."""
        site = self.request.headers.get("Sec-Fetch-Site")
        if site not in (None, "same-origin", "none"):
            raise HTTPError(403, "This form was sent by another site.")
        # Tornado asks before anybody knows whose token the header holds. The hub's client asks
        # again before it believes a cookie: also beside a header that lets nobody in, such as
        # the password of a site's own proxy, which browsers send with every form.
        cookie_asked = hasattr(self, "_cached_hub_user")
        if cookie_asked or not self.request.headers.get("Authorization"):
            super().check_xsrf_cookie()

    @property
    def actor(self) -> Actor:
        return Actor(self.person.name, self.person.role)

    def by(self) -> By:
        return By(self.person.name, datetime.now(UTC), self.seen_from)

    @property
    def carrel(self) -> Settings:
        settings: Settings = self.settings["installation"].settings
        return settings

    @property
    def prefix(self) -> str:
        return PREFIX

    @property
    def hub_api(self) -> HubApi:
        api: HubApi = self.settings["hub_api"]
        return api

    @property
    def once(self) -> Once:
        once: Once = self.settings["once"]
        return once

    @property
    def seen_from(self) -> str:
        """Where the request comes from, for the record; only our proxy speaks to this port."""
        connection: Any = self.request.connection
        address = connection.context.address
        peer = address[0] if isinstance(address, tuple) else UNKNOWN
        network = self.carrel.network
        return client_address(
            peer,
            ",".join(self.request.headers.get_list("X-Forwarded-For")),
            network.subnet,
            {peer, network.proxy_address},
            behind_tls_proxy=self.carrel.behind_tls_proxy,
        )

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """``function(tx, ...)`` in a reading transaction, in a thread."""
        store: Store = self.settings["store"]
        return await store.in_thread(store.read, function, *args)

    async def decide(self, function: Callable[..., T], *args: Any) -> T:
        """``function(tx, ...)`` in a deciding transaction, in a thread."""
        store: Store = self.settings["store"]
        return await store.in_thread(store.decide, function, *args)

    async def _model(self) -> dict[str, Any] | None:
        try:
            model: dict[str, Any] | None = await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            raise CarrelError(
                Code.UNAVAILABLE, "The hub does not answer.", "Try again in a moment."
            ) from error
        return model

    @property
    def wants_json(self) -> bool:
        accepts = self.request.headers.get("Accept", "")
        return self.json_only or accepts.startswith("application/json")

    def page(self, template: str, **values: Any) -> None:
        """Answers with a page."""
        pages: Environment = self.settings["pages"]
        frame = {
            "person": getattr(self, "person", None),
            "now": datetime.now(UTC),
            "xsrf": self.xsrf_token.decode() if getattr(self, "person", None) else "",
            "prefix": PREFIX,
            "hub": f"{origins.of(self.settings['installation'].settings.server).hub}/hub/",
            "version": __version__,
            "once": self.once.key(),
            "demo": self.carrel.demo,
            "passwords": self.carrel.has_passwords,
            "here": self.request.path,
            "ours": origins.absolute(self.carrel),
        }
        self.finish(pages.get_template(template).render(frame | values))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error, of every handler, as JSON or as a page; never a traceback."""
        _, error, _ = kwargs.get("exc_info", (None, None, None))
        told = told_of(status_code, error)
        self.set_status(told.code.value if isinstance(error, CarrelError) else status_code)
        if told.code is Code.TOO_MANY:
            self.set_header("Retry-After", RETRY_AFTER_S)
        if self.wants_json:
            body = {"status": self.get_status(), "message": told.message, "hint": told.hint}
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps(body))
        else:
            self.page("error.html", told=told, status=self.get_status())

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if isinstance(value, CarrelError) and value.code is not Code.FAILED:
            app_log.warning("%s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)


class Callback(Handler, HubOAuthCallbackHandler):
    """Where the hub sends browsers back to after a login."""

    async def prepare(self) -> None:
        """Nobody need be known yet. Asked here, since the base class would block on asking."""
        self.current_user = await self._model()


class NotFound(Handler):
    """Every address that leads nowhere; nobody needs a login to be told so."""

    async def prepare(self) -> None:
        raise CarrelError(Code.NOT_FOUND, "There is no such page.", "The address may be mistyped.")


def told_of(status_code: int, error: BaseException | None) -> CarrelError:
    """What is said of an error to whoever asked."""
    if isinstance(error, CarrelError):
        return error
    if status_code >= 500:
        return CarrelError(
            Code.FAILED,
            "Something went wrong.",
            "Try again; if it stays so, tell your administrator. The reason is in the log of web.",
        )
    reason = error.log_message if isinstance(error, HTTPError) else None
    return CarrelError(
        Code.BAD_INPUT, f"{reason or HTTPStatus(status_code).phrase}", "Go back and try again."
    )
