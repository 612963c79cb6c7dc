"""All rooms of the emulator put together: one request in, one answer out, whatever carries it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drive_emulator import control as controls
from drive_emulator import partial
from drive_emulator.api_v2 import Handler, Version2
from drive_emulator.api_v3 import DEFAULTS, Version3
from drive_emulator.browse import Browse
from drive_emulator.consent import Consent
from drive_emulator.discovery import Document, Method
from drive_emulator.faults import Faults
from drive_emulator.grants import DRIVE, Client, Grants, access_of
from drive_emulator.journal import Journal
from drive_emulator.limits import Bucket
from drive_emulator.messages import Answer, Request
from drive_emulator.model import Access, Refused, Seen
from drive_emulator.store import Store
from drive_emulator.tokens import Tokens
from drive_emulator.uploads import Uploads

_V2, _V3 = "/drive/v2/", "/drive/v3/"
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Settings:
    """Can be changed while it runs."""

    delay_ms: int = 0
    """Before every answer of the API and of the token endpoint."""
    writes_per_s: float = 0
    """Per account; 0: as many as come. More are refused with 403 userRateLimitExceeded."""
    write_burst: int = 20
    access_token_s: int = 3599
    refresh_token_s: int | None = None
    """Google's is 7 days for a program "in testing"."""
    tells_descendants: bool = True
    """Trashing a folder puts all that is in it on the list of changes."""
    late_match: bool = True
    """A resumable upload's If-Match is looked at again when its last byte is there."""
    clock_ahead_s: float = 0


class Emulator:
    """``documents`` are Google's descriptions of the API (drive.v2.json, drive.v3.json); without
    one, nothing is checked and only the known methods are found."""

    def __init__(
        self,
        documents: Iterable[Path] = (),
        folder: Path | None = None,
        seed: int = 0,
        control: bool = False,
    ) -> None:
        self.settings = Settings()
        self.store = Store(self.now_ms, seed)
        self.grants = Grants(self.now_ms)
        self.uploads = Uploads(self.now_ms, folder)
        self.faults = Faults(seed)
        self.journal = Journal()
        self._writes = Bucket(self.now_ms)
        self._documents = {d.base + "/": d for d in map(Document.read, documents)}
        self._apis: dict[str, dict[str, Handler]] = {
            _V2: Version2(self.store, self.uploads, self._check_body).handlers,
            _V3: Version3(self.store, self.uploads, self._check_body).handlers,
        }
        self._consent = Consent(self.store, self.grants)
        self._tokens = Tokens(self.store, self.grants)
        self._browse = Browse(self.store)
        self._control = controls.Control(self) if control else None

    def now_ms(self) -> int:
        return int((time.time() + self.settings.clock_ahead_s) * 1000)

    def set(self, **more: Any) -> None:
        """Raises TypeError for a setting that there is not."""
        self.settings = replace(self.settings, **more)
        self.grants.lives.access_s = self.settings.access_token_s
        self.grants.lives.refresh_s = self.settings.refresh_token_s
        self.store.tells_descendants = self.settings.tells_descendants
        self.uploads.late_match = self.settings.late_match

    def add_client(self, client: Client) -> None:
        self.grants.clients[client.id] = client

    def token(self, email: str, scopes: Iterable[str] = (DRIVE,), client: str = "carrel") -> str:
        """An access token without a browser."""
        return self.grants.mint(self.grants.allow(client, email, tuple(scopes))).access

    def edit(self, body: dict[str, Any]) -> Seen:
        """Somebody changes a file elsewhere: {"id", "title", "text", "parent", "trashed"}."""
        owner = self.store.owner(body["id"])
        access = Access(owner, controls.CLIENT)
        return self.store.update(access, body["id"], controls.edit_of(body))

    def name(self, request: Request) -> Method | None:
        """Finds the operation of an API request, so that faults and journal can name it."""
        ways = ("POST", "PUT", "PATCH") if "upload_id" in request.query else (request.method,)
        for base, document in self._documents.items():
            found = [document.find(way, request.path) for way in ways if base in request.path]
            for method, values in filter(None, found):
                request.operation, request.path_values = method.name, values
                if "upload_id" in request.query:
                    request.operation = "uploads.put"
                elif request.query.get("uploadType") == "resumable":
                    request.operation = "uploads.begin"
                return method
        return None

    def answer(self, request: Request, method: Method | None) -> Answer:
        """Raises Refused. ``method`` is what ``name`` found."""
        for base in self._apis:
            if base in request.path:
                return self._api(base, request, method)
        return self._page(request)

    def delayed(self, request: Request) -> bool:
        return bool(request.operation) or request.path in ("/token", "/revoke")

    def _api(self, base: str, request: Request, method: Method | None) -> Answer:
        if request.operation == "uploads.put" and request.method in ("PUT", "POST"):
            # The session's address is the right to use it.
            return self._shaped(base, request, method, self.uploads.go_on(request))
        access, scopes = self._who(request)
        if base not in self._documents:
            raise Refused(501, "notImplemented", f"No discovery document was given for {base}.")
        if method is None:
            raise Refused(404, "notFound", f"No method {request.method} {request.path}")
        document = self._documents[base]
        document.check_parameters(method, request.query)
        if request.query.get("fields") and method.response:
            mask = partial.parse(request.query["fields"])
            partial.check(mask, method.response, document.schemas)
        if method.scopes and not method.scopes & set(scopes):
            raise Refused(
                403,
                "insufficientPermissions",
                "Request had insufficient authentication scopes.",
            )
        handler = self._apis[base].get(method.name)
        if handler is None:
            self.journal.fail(f"{method.name} is not emulated")
            raise Refused(501, "notImplemented", f"The emulator has no {method.name}.")
        if request.method in WRITES:
            self._require_pace(access)
        return self._shaped(base, request, method, handler(access, request))

    def _who(self, request: Request) -> tuple[Access, tuple[str, ...]]:
        header = request.headers.get("Authorization", "")
        found = self.grants.find(header.removeprefix("Bearer ").strip())
        if found is None:
            raise Refused(401, "authError", "Invalid Credentials", "Authorization")
        return access_of(found[0]), found[0].scopes

    def _require_pace(self, access: Access) -> None:
        rate, burst = self.settings.writes_per_s, self.settings.write_burst
        if rate and not self._writes.take(access.email, rate, burst):
            raise Refused(403, "userRateLimitExceeded", "User Rate Limit Exceeded")

    def _check_body(self, request: Request, body: dict[str, Any]) -> None:
        for base, document in self._documents.items():
            found = document.find(request.method, request.path) if base in request.path else None
            if found is not None:
                document.check_body(found[0], body)

    def _shaped(self, base: str, request: Request, method: Method | None, answer: Answer) -> Answer:
        """Only the fields that were asked for; and only what Google's description allows."""
        if answer.status >= 300 or not isinstance(answer.content, dict) or method is None:
            return answer
        default = DEFAULTS.get(method.name, "") if base == _V3 else ""
        wanted = request.query.get("fields") or default
        if wanted:
            answer.content = partial.select(answer.content, partial.parse(wanted))
        problems = self._documents[base].problems(method.response, answer.content)
        if problems:
            for problem in problems:
                self.journal.fail(f"{method.name}: {problem}")
            raise Refused(500, "emulatorDefect", "; ".join(problems[:3]))
        return answer

    def _page(self, request: Request) -> Answer:
        path = request.path
        if path.startswith("/control/") and self._control is not None:
            return self._control.answer(request)
        if re.fullmatch(r"/o/oauth2(/v2)?/auth", path):
            post = request.method == "POST"
            return self._consent.decide(request) if post else self._consent.show(request)
        if path in ("/token", "/o/oauth2/token", "/oauth2/v4/token"):
            return self._tokens.token(request)
        if path in ("/revoke", "/o/oauth2/revoke"):
            return self._tokens.revoke(request)
        if path in ("/tokeninfo", "/oauth2/v3/tokeninfo"):
            return self._tokens.token_info(request)
        if re.fullmatch(r"(/oauth2)?(/v[123])?/userinfo", path):
            return self._tokens.user_info(request)
        return self._browse.answer(request)
