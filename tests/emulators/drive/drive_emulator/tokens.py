"""The endpoints that programs use without a browser: token, revoke, who is it."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, unquote

from drive_emulator import resources
from drive_emulator.grants import Client, Denied, Grants
from drive_emulator.grants import Tokens as Given
from drive_emulator.messages import Answer, Request
from drive_emulator.model import Refused
from drive_emulator.store import Store


class Tokens:
    """``/token``, ``/revoke``, ``/tokeninfo``, ``/userinfo``."""

    def __init__(self, store: Store, grants: Grants) -> None:
        self._store = store
        self._grants = grants

    def token(self, request: Request) -> Answer:
        form = _form(request)
        try:
            given = self._given(self._client(request, form), form)
        except Denied as denied:
            said = {"error": denied.error, "error_description": denied.description}
            return Answer(denied.status, said)
        content: dict[str, Any] = {
            "access_token": given.access,
            "expires_in": given.expires_in_s,
            "scope": " ".join(given.scopes),
            "token_type": "Bearer",
        }
        if given.refresh:
            content["refresh_token"] = given.refresh
            if self._grants.lives.refresh_s is not None:
                content["refresh_token_expires_in"] = self._grants.lives.refresh_s
        return Answer(200, content, {"Cache-Control": "no-store", "Pragma": "no-cache"})

    def revoke(self, request: Request) -> Answer:
        token = _form(request).get("token") or request.query.get("token", "")
        if self._grants.revoke(token):
            return Answer(200, {})
        return Answer(
            400, {"error": "invalid_token", "error_description": "Token expired or revoked"}
        )

    def token_info(self, request: Request) -> Answer:
        found = self._grants.find(request.query.get("access_token", ""))
        if found is None:
            return Answer(400, {"error": "invalid_token", "error_description": "Invalid Value"})
        grant, until_ms = found
        return Answer(
            200,
            {
                "azp": grant.client,
                "aud": grant.client,
                "scope": " ".join(grant.scopes),
                "exp": str(until_ms // 1000),
                "email": grant.email,
                "access_type": "offline",
            },
        )

    def user_info(self, request: Request) -> Answer:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = self._grants.find(token)
        if found is None:
            raise Refused(401, "authError", "Invalid Credentials", "Authorization")
        account = self._store.account(found[0].email)
        return Answer(
            200,
            {
                "sub": resources.permission_id(account.email),
                "name": account.name,
                "email": account.email,
                "email_verified": True,
            },
        )

    def _client(self, request: Request, form: dict[str, str]) -> Client:
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            try:
                pair = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise Denied("invalid_client", "Malformed header.", 401) from None
            name, _, secret = pair.partition(":")
            return self._grants.authenticate(unquote(name), unquote(secret))
        return self._grants.authenticate(form.get("client_id", ""), form.get("client_secret", ""))

    def _given(self, client: Client, form: dict[str, str]) -> Given:
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._grants.exchange(
                client,
                form.get("code", ""),
                form.get("redirect_uri", ""),
                form.get("code_verifier", ""),
            )
        if kind == "refresh_token":
            return self._grants.refresh(client, form.get("refresh_token", ""))
        raise Denied("unsupported_grant_type", f"Invalid grant_type: {kind}")


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.text().decode("utf-8", "replace"), keep_blank_values=True))
