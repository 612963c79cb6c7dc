"""Programs, people's consent, and the tokens that come of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from drive_emulator.model import Access, Scope

DRIVE = "https://www.googleapis.com/auth/drive"
SCOPES = {
    DRIVE: Scope.FULL,
    DRIVE + ".readonly": Scope.READ_ONLY,
    DRIVE + ".file": Scope.APP_FILES,
}
CODE_MS = 600_000


class Denied(Exception):  # noqa: N818  an answer, not a failure of ours
    """The token endpoint's no: an error of RFC 6749."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True)
class Client:
    """A program that is registered."""

    id: str
    secret: str
    redirect_uris: tuple[str, ...]
    name: str = "Carrel"


@dataclass(frozen=True)
class Grant:
    """What somebody allowed a program."""

    id: str
    client: str
    email: str
    scopes: tuple[str, ...]
    began_ms: int
    dead: bool = False


@dataclass(frozen=True)
class Code:
    """What the browser carries back to the program; good for one use."""

    grant: str
    redirect_uri: str
    challenge: str
    method: str
    offline: bool
    until_ms: int


@dataclass
class Tokens:
    """What the token endpoint gives."""

    access: str
    expires_in_s: int
    scopes: tuple[str, ...]
    refresh: str = ""


@dataclass
class Lives:
    """How long things hold; can be changed while it runs."""

    access_s: int = 3599
    refresh_s: int | None = None
    """None: for ever. Google lets those of a program "in testing" die after 7 days."""


class Grants:
    """Thread-safe."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self.lives = Lives()
        self.clients: dict[str, Client] = {}
        self._clock_ms = clock_ms
        self._lock = threading.RLock()
        self._grants: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, tuple[str, int]] = {}
        self._refresh: dict[str, tuple[str, int]] = {}
        self._consented: set[tuple[str, str]] = set()

    def allow(self, client: str, email: str, scopes: tuple[str, ...]) -> Grant:
        with self._lock:
            grant = Grant(secrets.token_hex(8), client, email, scopes, self._clock_ms())
            self._grants[grant.id] = grant
            return grant

    def code(self, grant: Grant, redirect_uri: str, pkce: tuple[str, str], offline: bool) -> str:
        """``offline``: a refresh token comes of it. ``pkce`` is (challenge, method)."""
        with self._lock:
            code = "4/0A" + secrets.token_urlsafe(40)
            until = self._clock_ms() + CODE_MS
            self._codes[code] = Code(grant.id, redirect_uri, *pkce, offline, until)
            return code

    def gives_refresh_token(self, client: str, email: str, prompt: str) -> bool:
        """As Google does: the first time, and whenever it asks for consent anew."""
        with self._lock:
            first = (client, email) not in self._consented
            self._consented.add((client, email))
            return first or "consent" in prompt.split()

    def mint(self, grant: Grant, offline: bool = True) -> Tokens:
        with self._lock:
            access = "ya29." + secrets.token_urlsafe(60)
            until = self._clock_ms() + self.lives.access_s * 1000
            self._access[access] = (grant.id, until)
            tokens = Tokens(access, self.lives.access_s, grant.scopes)
            if offline:
                tokens.refresh = "1//0" + secrets.token_urlsafe(60)
                self._refresh[tokens.refresh] = (grant.id, self._clock_ms())
            return tokens

    def exchange(self, client: Client, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Raises Denied; a code that is shown twice takes its tokens along."""
        with self._lock:
            found = self._codes.get(code)
            if found is None:
                raise Denied("invalid_grant", "Malformed auth code.")
            grant = self._grants[found.grant]
            if found.until_ms < 0:
                self.kill(grant.id)
                raise Denied("invalid_grant", "Bad Request")
            self._codes[code] = replace(found, until_ms=-1)
            if found.until_ms < self._clock_ms() or grant.client != client.id:
                raise Denied("invalid_grant", "Bad Request")
            if found.redirect_uri != redirect_uri:
                raise Denied("redirect_uri_mismatch", "Bad Request")
            if found.challenge and not _proves(found, verifier):
                raise Denied("invalid_grant", "Invalid code verifier.")
            return self.mint(grant, found.offline)

    def refresh(self, client: Client, token: str) -> Tokens:
        with self._lock:
            grant_id, began = self._refresh.get(token, ("", 0))
            grant = self._grants.get(grant_id)
            life = self.lives.refresh_s
            old = life is not None and self._clock_ms() - began > life * 1000
            if grant is None or grant.dead or old or grant.client != client.id:
                raise Denied("invalid_grant", "Token has been expired or revoked.")
            return self.mint(grant, offline=False)

    def kill(self, grant_id: str) -> None:
        """All tokens of a consent."""
        with self._lock:
            self._grants[grant_id] = replace(self._grants[grant_id], dead=True)
            grant = self._grants[grant_id]
            self._consented.discard((grant.client, grant.email))

    def revoke(self, token: str) -> bool:
        """Of an access or a refresh token; False for neither. The whole consent dies."""
        with self._lock:
            grant_id, _ = self._access.get(token) or self._refresh.get(token) or ("", 0)
            if not grant_id or self._grants[grant_id].dead:
                return False
            self.kill(grant_id)
            return True

    def revoke_all(self, email: str) -> int:
        """As a person does on their account's page; how many."""
        with self._lock:
            mine = [g.id for g in self._grants.values() if g.email == email and not g.dead]
            for grant_id in mine:
                self.kill(grant_id)
            return len(mine)

    def find(self, access_token: str) -> tuple[Grant, int] | None:
        """The consent behind a token that holds, and until when."""
        with self._lock:
            grant_id, until = self._access.get(access_token, ("", 0))
            grant = self._grants.get(grant_id)
            if grant is None or grant.dead or until <= self._clock_ms():
                return None
            return grant, until

    def open_ones(self) -> list[Grant]:
        with self._lock:
            return [grant for grant in self._grants.values() if not grant.dead]

    def authenticate(self, client_id: str, secret: str) -> Client:
        client = self.clients.get(client_id)
        if client is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise Denied("invalid_client", "The OAuth client was not found.", 401)
        return client


def access_of(grant: Grant) -> Access:
    """What the store may show; the widest of the scopes counts."""
    held = [scope for name, scope in SCOPES.items() if name in grant.scopes]
    return Access(grant.email, grant.client, held[0] if held else Scope.APP_FILES)


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _proves(code: Code, verifier: str) -> bool:
    shown = challenge_of(verifier) if code.method == "S256" else verifier
    return bool(verifier) and hmac.compare_digest(shown.encode(), code.challenge.encode())
