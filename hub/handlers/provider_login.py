"""The two ends of the way to a single sign-on provider: where a login leaves, where it comes back.

A login is tied to its browser three times over: `state`, PKCE, and the ID token's nonce, which all
hang on one signed cookie that is taken away when it comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from jupyterhub.utils import url_path_join
from oauthenticator.oauth2 import (
    STATE_COOKIE_NAME,
    OAuthCallbackHandler,
    OAuthLoginHandler,
    _deserialize_state,
)

from hub import openid
from hub.handlers import carried
from hub.handlers.carried import Opened
from hub.handlers.course_invitation import InvitationForm
from hub.handlers.form import Form
from hub.sign_on import Carried, UserNameError
from spawner.errors import CarrelError, Code

if TYPE_CHECKING:
    from hub.sign_on_authenticator import SingleSignOn

MOST_LOGGED = 200


class Leave(Form, OAuthLoginHandler):
    """Sends the browser to the provider."""

    _verifier = ""

    async def get(self) -> None:
        await cast("SingleSignOn", self.authenticator).ensure_endpoints()
        super().get()

    def _generate_pkce_params(self) -> tuple[str, str]:
        self._verifier, challenge = super()._generate_pkce_params()
        return self._verifier, challenge

    def authorize_redirect(self, **parameters: Any) -> None:
        if "openid" in parameters["scope"]:
            parameters["extra_params"]["nonce"] = openid.nonce(self._verifier)
        super().authorize_redirect(**parameters)

    def set_state_cookie(self, value: str) -> None:
        """Not on path `/`, where sessions would get it too."""
        self._set_cookie(
            carried.named(self, STATE_COOKIE_NAME),
            value,
            expires_days=carried.MINUTES / 1440,
            path=self.hub.base_url,
            samesite="Lax",
        )


class Return(InvitationForm, OAuthCallbackHandler):
    """Takes up the login where the provider sends the browser back."""

    _state_cookie: str | None = None

    async def get(self) -> None:
        self.check_state()
        self.check_error()
        try:
            account = await cast("SingleSignOn", self.authenticator).arrive(self)
        except UserNameError as problem:
            self._choose_anew(problem)
            return
        except CarrelError as error:
            if error.code is Code.REFUSED:
                carried.drop(self)
            raise
        await self.log_in(account)
        course = await self._course(account.name)
        carried.drop(self)
        self.redirect(course or self.get_next_url(self.current_user))

    async def _course(self, name: str) -> str | None:
        """The page of the course that the invitation led into."""
        return await self.led_into(self.carried.token, name) if self.carried else None

    @property
    def carried(self) -> Carried | None:
        """The invitation that this browser went to the provider with."""
        opened = carried.opened(self)
        return opened.carried if opened else None

    @property
    def verifier(self) -> str:
        """PKCE's secret of this login."""
        return str(self._begun().get("code_verifier", ""))

    def get_state_cookie(self) -> str:
        """What the login began with; taken away, so that no answer is taken twice."""
        if self._state_cookie is None:
            name = carried.named(self, STATE_COOKIE_NAME)
            raw = self.get_signed_cookie(name, max_age_days=carried.MINUTES / 1440)
            self._state_cookie = (raw or b"").decode("utf8", "replace")
            self.clear_cookie(name, path=self.hub.base_url)
        return self._state_cookie

    def check_state(self) -> None:
        """Raises CarrelError(BAD_INPUT) for an answer to a login that this browser never began."""
        begun = self._begun().get("state_id")
        if not begun or begun != _table(self.get_query_argument("state", "")).get("state_id"):
            raise self._not_begun()

    def check_error(self) -> None:
        """Raises CarrelError when the provider or the person said no."""
        if self.get_query_argument("code", ""):
            return
        name = self.authenticator.login_service
        said = self.get_query_argument("error", "")
        why = self.get_query_argument("error_description", "")
        self.log.warning("%s answered %r: %r", name, said[:MOST_LOGGED], why[:MOST_LOGGED])
        raise CarrelError(
            Code.REFUSED,
            f"You were not logged in at {name}.",
            "Begin again at the login page; if it stays so, tell your administrator: the hub's "
            f"log says what {name} answered.",
        )

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """The usual log names the address, which holds a code of the provider's."""
        if isinstance(value, CarrelError):
            self.log.warning("%s %s: %s", self.request.method, self.request.path, value)
        else:
            self.log.error("%s %s", self.request.method, self.request.path, exc_info=value)

    def _begun(self) -> dict[str, Any]:
        return _table(self.get_state_cookie())

    def _not_begun(self) -> CarrelError:
        return CarrelError(
            Code.BAD_INPUT,
            "This login was not begun in this browser, or too long ago.",
            "Begin again at the login page.",
        )

    def _choose_anew(self, problem: UserNameError) -> None:
        """Back to the invitation, which asks for another name; a person's click goes on from there.

        A loop cannot come of it, and most providers ask for no second password.
        """
        here = self.carried
        assert here is not None  # nobody else is given a name
        carried.carry(self, Opened(Carried(here.token, problem.name), str(problem)))
        page = url_path_join(self.hub.base_url, "invitation")
        query = urlencode({"next": next_url}) if (next_url := self._begun().get("next_url")) else ""
        self.redirect(f"{page}?{query}" if query else page)


def _table(serialized: str) -> dict[str, Any]:
    """A state as oauthenticator writes it; empty for what is none."""
    try:
        found = _deserialize_state(serialized) if serialized else {}
    except ValueError:  # not even ASCII
        return {}
    return found if isinstance(found, dict) else {}
