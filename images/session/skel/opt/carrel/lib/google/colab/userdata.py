"""One's secrets, which the hub keeps encrypted and hands to the notebooks that they are granted to.

``GET {JUPYTERHUB_API_URL}/carrel/secrets/<name>?notebook=<path below the home>`` with the session's
token answers ``{"value": "…"}``; 403 ``{"message": "…"}`` where the notebook has no grant; 404
``{"secret": "<name>"}`` where there is no such secret; both with the address of the ``page`` where
that is changed. Any other 404 is a hub without secrets; 503 ``{"message": "…"}`` one without the
key.

The path is what this program says. Whatever runs in a session can say another notebook's: a grant
keeps honest notebooks apart, not hostile code.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode

from google.colab import session

PATIENCE_S = 20.0
PAGE = "Carrel's page Secrets"
"""Where the hub gives no address."""


class SecretNotFoundError(Exception):
    """There is no secret of this name."""

    def __init__(self, key: str, page: str = PAGE) -> None:
        super().__init__(f"Secret {key} does not exist. Enter it here: {page}")


class SecretsNotSetUpError(SecretNotFoundError):
    """There are no secrets at all. Not Colab's; who catches that a secret is missing catches it."""

    def __init__(self, key: str) -> None:
        Exception.__init__(self, f"Secret {key}: this Carrel keeps no secrets. "
                                 f"Set it yourself, say with os.environ[{key!r}] = …")  # fmt: skip


class SecretNotReadableError(SecretNotFoundError):
    """It is there, but the hub cannot open it. Not Colab's either."""

    def __init__(self, key: str, why: str) -> None:
        Exception.__init__(self, f"Secret {key}: {why}")


class NotebookAccessError(Exception):
    """The secret is not granted to this notebook."""

    def __init__(self, key: str, page: str = PAGE, why: str = "") -> None:
        super().__init__(
            f"Notebook does not have access to secret {key}. {why or 'Allow it there.'} {page}"
        )


class TimeoutException(Exception):  # noqa: N818 - Colab's name
    """The hub did not answer."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Requesting secret {key} timed out: the hub does not answer.")


def get(key: str) -> str:
    """The secret's value."""
    hub = os.environ.get("JUPYTERHUB_API_URL", "")
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    if not hub or not token:
        raise SecretsNotSetUpError(key)
    query = urlencode({"notebook": session.notebook()})
    url = f"{hub.rstrip('/')}/carrel/secrets/{quote(key, safe='')}?{query}"
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return str(_read(answer.read())["value"])
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, _read(error.read()), key) from None
    except OSError:
        raise TimeoutException(key) from None


def _read(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, said: dict[str, Any], key: str) -> Exception:
    page, why = str(said.get("page") or PAGE), str(said.get("message") or "")
    if status == 403:
        return NotebookAccessError(key, page, why)
    if status == 404:
        here = said.get("secret") == key
        return SecretNotFoundError(key, page) if here else SecretsNotSetUpError(key)
    if status == 503 and why:
        return SecretNotReadableError(key, why)
    return TimeoutException(key)
