"""Who asks: the hub says, through OAuth in the browser or a token in the header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyterhub.services.auth import HubOAuth

from hub import scopes
from hub.accounts import Account
from hub.enums import Role
from hub.origins import Origins
from hub.powers import INVITABLE

HUB_API = "http://hub:8081/hub/api"
CACHE_S = 10
"""For how long an answer of the hub is believed; somebody disabled is out after that."""


@dataclass(frozen=True)
class Person:
    """Whoever is logged in, or the service whose token it is."""

    name: str
    role: Role
    admin: bool
    """Whether the admins' pages are open to this login or token."""
    full_name: str = ""

    @classmethod
    def of(cls, account: Account, model: Mapping[str, Any]) -> Person:
        return cls(account.name, account.role, scopes.ADMIN in model["scopes"], account.full_name)

    @classmethod
    def of_service(cls, model: Mapping[str, Any]) -> Person:
        """A service of the hub has no account, and looks after nobody."""
        return cls(model["name"], Role.STUDENT, scopes.ADMIN in model["scopes"])

    @property
    def looks_after_people(self) -> bool:
        return bool(INVITABLE[self.role])


def hub_oauth(token: str, where: Origins, api_url: str) -> HubOAuth:
    """The hub's OAuth client of this service; asks nobody before the first request."""
    return HubOAuth(
        api_token=token,
        api_url=api_url,
        base_url=scopes.PREFIX,
        hub_prefix="/hub/",
        hub_host=where.hub,
        oauth_redirect_uri=f"{where.pages}oauth_callback",
        oauth_client_id=f"service-{scopes.WEB}",
        access_scopes={f"access:services!service={scopes.WEB}"},
        cache_max_age=CACHE_S,
        cookie_host_prefix_enabled=where.host_cookies,
        # Browsers refuse such a cookie without it, also where a front names no protocol.
        cookie_options={"secure": True} if where.host_cookies else {},
    )
