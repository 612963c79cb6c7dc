"""What the pages of a session's own server share: who may look, how they are written, errors."""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from carrel_session import addresses
from carrel_session.addresses import Interface
from carrel_session.errands import Errand, Errands
from carrel_session.errors import Code, SessionError
from carrel_session.settings import Settings

PATIENCE_S = 1.0
"""How long somebody looks at nothing before a page with progress comes."""
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Page(JupyterHandler):
    """A page for the owner of the session; raises of SessionError become pages."""

    @property
    def carrel(self) -> Settings:
        found: Settings = self.settings["carrel"]
        return found

    @property
    def errands(self) -> Errands:
        found: Errands = self.settings["carrel_errands"]
        return found

    @cached_property
    def nonce(self) -> str:
        return secrets.token_urlsafe(12)

    @property
    def content_security_policy(self) -> str:
        # Also for /notebooks/…: a form's answer may lead there.
        return (
            f"default-src 'none'; style-src 'nonce-{self.nonce}'; script-src 'nonce-{self.nonce}'; "
            "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )

    def require_navigation(self) -> None:
        """A page's address is for somebody who goes there: not for pictures, frames and scripts.

        Old browsers do not tell. Cookies do not come along from elsewhere with those anyway.
        """
        mode = self.request.headers.get("Sec-Fetch-Mode", "navigate")
        destination = self.request.headers.get("Sec-Fetch-Dest", "document")
        if (mode, destination) != ("navigate", "document"):
            raise web.HTTPError(403, "This address is for a browser's own window.")

    @property
    def comes_from_elsewhere(self) -> bool:
        """Whether a page of another origin led here, at any step of the way.

        Also one of the same site: with a host for each session that may be a neighbour's.
        """
        site = self.request.headers.get("Sec-Fetch-Site", "none")
        return site not in ("none", "same-origin")

    def rest_of(self, route: str) -> str:
        """The address after ``carrel/<route>/`` as it was sent: a quoted slash can be told."""
        return self.request.path.partition(f"/carrel/{route}/")[2]

    def wish(self) -> Interface | None:
        return addresses.interface(self.get_query_argument("in", ""))

    def address(self, place: str, *, folder: bool = False) -> str:
        """Of a file or folder of the home, in the interface that was wished for."""
        return self.base_url + addresses.where(place, self.wish(), folder=folder)

    def page(self, template: str, status: int = 200, **values: Any) -> None:
        """Writes a page, which nobody stores: it is true for this moment."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        self.finish(
            ENVIRONMENT.get_template(template).render(
                nonce=self.nonce, home=self.base_url, xsrf=self.xsrf_token.decode(), **values
            )
        )

    def progress(self, errand: Errand, title: str) -> None:
        """A page that looks until ``errand`` is done: by script, else by being loaded again."""
        if "application/json" in self.request.headers.get("Accept", ""):
            self.set_header("Cache-Control", "no-store")
            self.finish({"done": errand.is_done, "line": errand.line})
            return
        query = {k: self.get_query_argument(k) for k in self.request.query_arguments}
        again = "?" + "&".join(
            f"{addresses.quote(k)}={addresses.quote(v)}"
            for k, v in {**query, "errand": errand.id}.items()
        )
        self.page("progress.html", 202, title=title, line=errand.line, again=again)

    def sorry(self, trouble: SessionError, title: str, **values: Any) -> None:
        """Writes what did not work, and what can be done instead."""
        defaults = {"instead": "", "instead_text": ""}
        self.page(
            "sorry.html", trouble.code.value, title=title, message=trouble.message,
            hint=trouble.hint, again=self.request.uri if trouble.code is not Code.BAD_INPUT else "",
            **{**defaults, **values},
        )  # fmt: skip

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem = (kwargs.get("exc_info") or (None, None))[1]
        if isinstance(problem, SessionError):
            self.sorry(problem, "That did not work")
            return
        super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, SessionError):
            super().log_exception(typ, value, tb)
