"""People's secrets, in the hub's API: the hub's own process alone holds the key to them.

    GET  /hub/api/carrel/secrets/<name>?notebook=<path below the home>
         with a session's token: {"value": …} for a notebook that is granted it; 403 for another,
         which is remembered for the page; 404 {"secret": <name>} where there is none
    POST /hub/api/carrel/seal    {"user", "name", "value"}: {"sealed": …}
         for web, which saves it; nothing opens it but the call above

No value is ever in an address, a log or an error.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hub import origins, scopes, sealing, secret_grants, user_secrets
from hub.handlers.api import Api, OfSession
from hub.sealing import Label
from hub.secret_grants import Look, Reader
from spawner.errors import CarrelError, Code

MOST_BODY = 64 * 1024
"""Of what is to be sealed: a value of the longest, however its JSON spells it."""

ASKED = "Press Allow on the page Secrets, then run the cell again."
NOT_REMEMBERED = "Allow its path on the page Secrets (under Change), then run the cell again."
NOWHERE = (
    "It cannot be told which notebook this is. The page Secrets (under Change) can let all your "
    "notebooks read it."
)


class _NoStore(Api):
    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")


class SecretApi(OfSession, _NoStore):
    """One of the session's owner."""

    async def prepare(self) -> None:
        """What is logged of a request is its address, and a secret's name is its owner's affair."""
        self.request.path = self.request.uri = "/hub/api/carrel/secrets/(a name)"
        await super().prepare()

    async def get(self, name: str) -> None:
        reader = Reader(self.owner(), name, self._notebook())
        look = await self._look(reader)
        if look is None:
            self._tell(Code.NOT_FOUND, {"secret": name, "message": "There is no such secret."})
        elif look.allowed:
            self.write({"value": await self._open(reader, look)})
        else:
            self._tell(Code.REFUSED, {"message": await self._refuse(reader, look)})

    def _notebook(self) -> str:
        """Empty for what is none, so that only a secret for all notebooks is given."""
        path = self.get_query_argument("notebook", "", strip=False)
        return path if secret_grants.is_notebook(path) else ""

    async def _look(self, reader: Reader) -> Look | None:
        if not user_secrets.is_name(reader.name):
            return None
        store = self.authenticator.store
        found: Look | None = await store.in_thread(
            store.read, secret_grants.look, reader, datetime.now(UTC)
        )
        return found

    async def _open(self, reader: Reader, look: Look) -> str:
        sealer = await self.authenticator.store.in_thread(sealing.sealer, self.authenticator.carrel)
        return sealer.open(Label(reader.user, reader.name), look.sealed)

    async def _refuse(self, reader: Reader, look: Look) -> str:
        if not reader.notebook:
            return NOWHERE
        store, known = self.authenticator.store, look.known
        # A look first: whoever asks again and again never waits for, or holds, the place to write.
        if not known and look.room:
            known = await store.in_thread(
                store.decide, secret_grants.remember, reader, datetime.now(UTC)
            )
        return ASKED if known else NOT_REMEMBERED

    def _tell(self, code: Code, told: dict[str, str]) -> None:
        self.set_status(code.value)
        self.write(told | {"page": f"{origins.absolute(self.authenticator.carrel)}secrets"})


class SealApi(_NoStore):
    """For the carrel service."""

    async def post(self) -> None:
        # Not needs_scope: it looks at its scopes before ours are made.
        if not self.has_scope(scopes.SEAL):
            raise CarrelError(Code.REFUSED, "This is for the carrel service.")
        said = self._said()
        label = Label(said["user"], user_secrets.checked_name(said["name"]))
        value = user_secrets.checked_value(said["value"])
        sealer = await self.authenticator.store.in_thread(sealing.sealer, self.authenticator.carrel)
        self.write({"sealed": sealer.seal(label, value)})

    def _said(self) -> dict[str, Any]:
        """Not JupyterHub's way, which puts what it cannot read into its log."""
        try:
            body = json.loads(self.request.body) if len(self.request.body) <= MOST_BODY else None
        except ValueError:
            body = None
        wanted = ("user", "name", "value")
        if not isinstance(body, dict) or not all(isinstance(body.get(k), str) for k in wanted):
            raise CarrelError(Code.BAD_INPUT, "The body must hold user, name and value.")
        return body
