"""Logging in at a provider, from JupyterHub's side: oauthenticator asks, Carrel's accounts decide.

Of oauthenticator's own rules (allowed users and groups, admins, its refresh) none applies, and no
token of the provider is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from oauthenticator.gitlab import GitLabOAuthenticator
from oauthenticator.oauth2 import OAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError

from hub import audit, openid, providers, sign_on
from hub.accounts import Account
from hub.audit import By
from hub.authenticator import Accounts
from hub.enums import Provider
from hub.handlers.provider_invitation import NoPasswords, ProviderInvitationPage
from hub.handlers.provider_login import Leave, Return
from hub.openid import Expected
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code

TIMEOUT_S = 10
"""For each question to the provider."""

# Google is spoken to as the OpenID Connect provider that it is: what oauthenticator's own class
# adds (hosted domains, groups) decides who may come in, and here invitations do.
CLASSES: dict[Provider, type[OAuthenticator]] = {
    Provider.GOOGLE: GenericOAuthenticator,
    Provider.OIDC: GenericOAuthenticator,
    Provider.GITHUB: GitHubOAuthenticator,
    Provider.GITLAB: GitLabOAuthenticator,
}


class SingleSignOn(Accounts, OAuthenticator):
    """Lets in whoever the provider knows and Carrel has an account or an invitation for."""

    login_handler = Leave
    callback_handler = Return
    secret: Callable[[], str]
    """Reads the client secret. At each login, so that a new one counts at once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        settings = self.carrel.sign_on
        self._kind = providers.KINDS[settings.provider]
        self._issuer = providers.issuer(settings)
        self._discovered = False
        self.login_service = settings.called
        self.client_id = settings.client_id
        self.scope = list(providers.scopes(settings))
        self.oauth_callback_url = f"{self.carrel.public_url}/hub/oauth_callback"
        self.enable_pkce = True
        self.validate_server_cert = True
        self.http_request_kwargs = {
            "connect_timeout": TIMEOUT_S,
            "request_timeout": TIMEOUT_S,
            # A code or a token goes to the endpoint that was named, and nowhere else.
            "follow_redirects": False,
        }
        if settings.provider is Provider.GITHUB:
            self.github_url = self._issuer
        elif settings.provider is Provider.GITLAB:
            self.gitlab_url = self._issuer

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """Carrel's pages, but those about passwords; and both ends of the way to the provider."""
        own = {
            r"/invitation": ProviderInvitationPage,
            r"/reset": NoPasswords,
            r"/oauth_login": Leave,
            r"/oauth_callback": Return,
        }
        others = [entry for entry in super().get_handlers(app) if entry[0] not in own]
        return [*others, *own.items()]

    async def ensure_endpoints(self) -> None:
        """Asks an OpenID Connect provider once where its endpoints are.

        At the first login and not at the hub's start, which so needs no provider. Raises
        CarrelError.
        """
        if self._discovered or not self._kind.openid:
            return
        document = await self._asked(
            self.httpfetch(openid.discovery_url(self._issuer), "asking for the endpoints")
        )
        found = openid.endpoints(self._issuer, document)
        self.authorize_url, self.token_url = found.authorize, found.token
        self.userdata_url, self.basic_auth = found.userinfo, found.basic_auth
        self._discovered = True

    async def authenticate(
        self, handler: BaseHandler, data: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Refuses: what asks here is the login form or the token API, which know no ``state``.

        Logins come back to ``hub.handlers.provider_login`` alone.
        """
        raise web.HTTPError(403, f"People log in with {self.login_service} here.")

    async def arrive(self, handler: Return) -> Account:
        """The account of whom the provider's answer is about. Raises CarrelError."""
        person = providers.person(self.carrel.sign_on, await self._claims(handler))
        by = By(audit.INVITED, datetime.now(UTC), self.address(handler))
        try:
            account: Account = await self.store.in_thread(
                self.store.decide, sign_on.admit, person, handler.carried, by
            )
        except CarrelError as error:
            # For the administrator, who may want to join it to an account.
            self.log.warning("Not let in: %r. %s", person.identity, error)
            raise
        return account

    async def _claims(self, handler: Return) -> dict[str, Any]:
        await self.ensure_endpoints()
        self.client_secret = self.secret()
        parameters = self.build_access_tokens_request_params(handler)
        parameters.pop("data", None)
        tokens = await self._asked(self.get_token_info(handler, parameters))
        claims = await self._asked(self.token_to_user(tokens))
        if not isinstance(claims, dict):
            raise self._strange("its answer is no table")
        if self._kind.openid:
            expected = Expected(self._issuer, self.client_id, openid.nonce(handler.verifier))
            openid.require_id_token(tokens.get("id_token"), expected, claims.get("sub"))
        return claims

    async def _asked(self, question: Any) -> Any:
        """The provider's answer; what goes wrong on the way, in words for people."""
        try:
            return await question
        except HTTPClientError as error:
            raise self._refused(error) from error
        except web.HTTPError as error:
            raise self._strange(str(error.log_message)) from error
        except (ValueError, TypeError, KeyError) as error:  # no JSON, or not what belongs in it
            raise self._strange(str(error)) from error
        except OSError as error:
            self.log.error("%s cannot be reached: %s", self.login_service, error)
            raise self._unreachable() from error

    def _refused(self, error: HTTPClientError) -> CarrelError:
        if error.code >= 500:  # 599: no answer at all
            return self._unreachable()
        if _oauth_error(error) in ("invalid_client", "unauthorized_client") or error.code == 401:
            return CarrelError(
                Code.FAILED,
                f"{self.login_service} does not take this Carrel for the one it knows.",
                "Tell your administrator: sign_on.client_id and the client secret must be those "
                "of the provider.",
            )
        # A code that was used, made up, or caught by somebody else: no fault of the provider's.
        made_up = _oauth_error(error) == "invalid_grant"
        return self._strange(str(error), Code.BAD_INPUT if made_up else Code.FAILED)

    def _unreachable(self) -> CarrelError:
        return CarrelError(
            Code.UNAVAILABLE,
            f"{self.login_service} cannot be reached now.",
            "Try again in a minute; if it stays so, tell your administrator.",
        )

    def _strange(self, why: str, code: Code = Code.FAILED) -> CarrelError:
        self.log.error("%s did not confirm a login: %s", self.login_service, why)
        return CarrelError(
            code,
            f"{self.login_service} did not confirm this login.",
            "Begin again at the login page; if it stays so, tell your administrator: the hub's "
            "log says more.",
        )


def for_provider(settings: Settings, store: Store, secret: Callable[[], str]) -> type[SingleSignOn]:
    """The authenticator class of an installation where a provider knows the passwords."""
    bound = {"carrel": settings, "store": store, "secret": staticmethod(secret)}
    bases = (SingleSignOn, CLASSES[settings.sign_on.provider])
    return type("SingleSignOn", bases, {**bound, "__module__": __name__})


def _oauth_error(error: HTTPClientError) -> str:
    """RFC 6749, 5.2: what the token endpoint says is wrong."""
    try:
        said = json.loads(error.response.body) if error.response else {}
    except ValueError:
        return ""
    return str(said.get("error", "")) if isinstance(said, dict) else ""
