"""The consent page: which account, allowed or not, and which of what was asked for."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from drive_emulator import pages
from drive_emulator.grants import DRIVE, SCOPES, Client, Grants
from drive_emulator.messages import Answer, Request, html, redirect
from drive_emulator.model import Account
from drive_emulator.store import Store

_SAID = {
    DRIVE: "See, edit, create and delete all of your Drive files",
    DRIVE + ".readonly": "See and download all of your Drive files",
    DRIVE + ".file": "See, edit, create and delete only the files that you use with this app",
    "openid": "Know who you are",
    "email": "See your email address",
    "https://www.googleapis.com/auth/userinfo.email": "See your email address",
}
_ALWAYS = {"openid", "email", "profile", "https://www.googleapis.com/auth/userinfo.email"}


class Consent:
    """``/o/oauth2/v2/auth``."""

    def __init__(self, store: Store, grants: Grants) -> None:
        self._store = store
        self._grants = grants

    def show(self, request: Request) -> Answer:
        asked = request.query
        client, problem = self._client(asked)
        if client is None:
            return _refused(problem)
        if problem:
            return _back(asked, error=problem)
        return html(self._page(client, asked))

    def decide(self, request: Request) -> Answer:
        pairs = parse_qsl(request.text().decode("utf-8", "replace"), keep_blank_values=True)
        asked = dict(pairs)
        client, problem = self._client(asked)
        if client is None:
            return _refused(problem)
        if problem:
            return _back(asked, error=problem)
        emails = {account.email for account in self._store.accounts()}
        if asked.get("answer") != "allow" or asked.get("account") not in emails:
            return _back(asked, error="access_denied")
        wanted = asked.get("scope", "").split()
        kept = {value for name, value in pairs if name == "keep"} | _ALWAYS
        scopes = tuple(scope for scope in wanted if scope in kept)
        grant = self._grants.allow(client.id, asked["account"], scopes)
        offline = asked.get("access_type") == "offline" and self._grants.gives_refresh_token(
            client.id, grant.email, asked.get("prompt", "")
        )
        pkce = (asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain"))
        code = self._grants.code(grant, asked["redirect_uri"], pkce, offline)
        return _back(asked, code=code, scope=" ".join(scopes))

    def _client(self, asked: dict[str, str]) -> tuple[Client | None, str]:
        """None: the browser must not be sent back, since nobody knows to whom."""
        client = self._grants.clients.get(asked.get("client_id", ""))
        if client is None:
            return None, "invalid_client: The OAuth client was not found."
        if asked.get("redirect_uri", "") not in client.redirect_uris:
            return None, (
                "redirect_uri_mismatch: "
                f"{asked.get('redirect_uri', '')!r} is not registered for this app."
            )
        if asked.get("response_type") != "code":
            return client, "unsupported_response_type"
        if asked.get("code_challenge_method", "plain") not in ("S256", "plain"):
            return client, "invalid_request"
        scopes = asked.get("scope", "").split()
        if not scopes or set(scopes) - set(SCOPES) - _ALWAYS:
            return client, "invalid_scope"
        return client, ""

    def _page(self, client: Client, asked: dict[str, str]) -> str:
        accounts = self._store.accounts()
        hint = asked.get("login_hint", "")
        chosen = next((a for a in accounts if a.email == hint), accounts[0] if accounts else None)
        people = "".join(_person(account, account == chosen) for account in accounts)
        scopes = [s for s in dict.fromkeys(asked["scope"].split()) if s not in _ALWAYS]
        wanted = "".join(
            f'<label class="choice"><input type="checkbox" name="keep" value="{escape(scope)}" '
            f"checked><span>{escape(_SAID.get(scope, scope))}</span></label>"
            for scope in scopes
        )
        where = urlsplit(asked["redirect_uri"]).netloc
        return pages.page(
            f"{client.name} wants to reach your Drive",
            f'<form method="post">{pages.hidden(**asked)}'
            f"<fieldset><legend>Choose an account</legend>{people}</fieldset>"
            f"<fieldset><legend>{escape(client.name)} may</legend>{wanted}</fieldset>"
            f"<p>You are sent back to <b>{escape(where)}</b>.</p>"
            '<div class="row end"><button name="answer" value="deny">Cancel</button>'
            '<button class="main" name="answer" value="allow">Allow</button></div></form>',
            narrow=True,
        )


def _person(account: Account, chosen: bool) -> str:
    return (
        f'<label class="choice"><input type="radio" name="account" required '
        f'value="{escape(account.email)}"{" checked" if chosen else ""}>'
        f"<span>{escape(account.name)}<small>{escape(account.email)}</small></span></label>"
    )


def _refused(problem: str) -> Answer:
    return html(pages.page("Error 400", f'<p class="bad">{escape(problem)}</p>', narrow=True), 400)


def _back(asked: dict[str, str], **values: str) -> Answer:
    """To the program, with its ``state`` as it came."""
    if "state" in asked:
        values["state"] = asked["state"]
    uri = asked["redirect_uri"]
    return redirect(uri + ("&" if "?" in uri else "?") + urlencode(values))
