"""What the forms before login share: they answer bytes that are no text, and repeat no secret."""

from __future__ import annotations

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler


class EntryForm(BaseHandler):
    """A form whose fields hold secrets; kept by no cache."""

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Text, with U+FFFD for what is none; no name or password may hold that.

        Tornado's own answer to such bytes shows them, on the page and in the log.
        """
        return value.decode(errors="replace")

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")


class LoginPage(EntryForm, LoginHandler):
    """JupyterHub's login page."""
