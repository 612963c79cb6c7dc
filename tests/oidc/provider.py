"""Starts a real OpenID Connect provider for tests, from a virtual environment of its own.

Canaille's packages are none of Carrel's, so they stay apart.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from hub.settings import Settings
from tests import environments

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
PASSWORD = "correct horse battery"


def python() -> Path:
    """The interpreter that has the provider; installs it where it is missing."""
    return environments.python("oidc", LOCK)


def person(number: int, user_name: str, name: str) -> dict[str, object]:
    """Somebody at the provider; ``number`` is what it never gives to anybody else."""
    return {
        "employee_number": str(number),
        "user_name": user_name,
        "formatted_name": name,
        "family_name": name.rsplit(maxsplit=1)[-1],
        "emails": [f"{user_name}@example.org"],
    }


@dataclass
class Provider:
    """A running provider, and the client that Carrel is there."""

    folder: Path
    port: int
    hub_url: str
    people: list[dict[str, object]]
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: subprocess.Popen | None = None

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "provider.log").read_text()

    def settings(self, **more: object) -> dict[str, object]:
        """Carrel's, so that people log in here."""
        found = {
            "server": {"public_url": self.hub_url},
            "sign_on": {
                "provider": "oidc",
                "client_id": "carrel",
                "issuer": self.issuer,
                "name": "Example University",
                **more,
            },
        }
        Settings.model_validate(found)
        return found

    def start(self) -> None:
        wanted = {
            "port": self.port,
            "secret": secrets.token_hex(16),
            "people": self.people,
            "password": PASSWORD,
            "client_id": "carrel",
            "client_secret": self.client_secret,
            "redirect_uri": f"{self.hub_url}/hub/oauth_callback",
        }
        path = self.folder / "wanted.json"
        path.write_text(json.dumps(wanted))
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with (self.folder / "provider.log").open("wb") as log:
            self.process = subprocess.Popen(
                [python(), "-I", HERE / "serve.py", path],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while True:
            try:
                _direct().get(f"{self.issuer}/.well-known/openid-configuration", timeout=5)
                return
            except requests.ConnectionError:
                assert self.process.poll() is None and time.monotonic() < until, self.log
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def log_in(session: requests.Session, url: str, user_name: str, answer: str = "accept") -> str:
    """Goes through the provider's pages as somebody would; where it then sends the browser.

    ``url`` is where the hub sent it. Whom the provider knows it asks nothing, and who agreed once
    is not asked again.
    """
    steps = iter(({"login": user_name}, {"password": PASSWORD}, {"answer": answer}))
    came = session.get(url, timeout=30, allow_redirects=False)
    while True:
        while came.is_redirect:
            where = urljoin(came.url, came.headers["Location"])
            if urlsplit(where).netloc != urlsplit(url).netloc:
                return where
            came = session.get(where, timeout=30, allow_redirects=False)
        assert came.ok, came.text
        fields = {"csrf_token": _csrf(came), **next(steps)}
        came = session.post(came.url, data=fields, timeout=30, allow_redirects=False)


def _csrf(page: requests.Response) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page.text)
    assert found, page.text
    return unescape(found.group(1))


def _direct() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session
