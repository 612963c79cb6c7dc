"""A JupyterHub process for tests, and browsers without a screen for it."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import requests
import sqlalchemy as sa

from hub.hub_api import HubApi
from hub.store import Store

ROOT = Path(__file__).parents[3]
PAGES = {"client_id": "service-pages", "redirect_uri": "http://127.0.0.1:1/callback"}
addresses = (f"198.51.{a}.{b}" for a, b in itertools.product(range(256), range(1, 255)))


@dataclass
class Hub:
    """A running hub on a database of Carrel's."""

    folder: Path
    database: sa.URL
    settings: dict
    port: int = 0
    secrets: dict[str, str] = field(default_factory=dict)
    """Of the installation, by name."""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    pages_token: str = field(default_factory=lambda: secrets.token_hex(16))
    housekeeping_token: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen | None = None

    def start(self) -> None:
        self.port = self.port or free_port()
        wanted = {
            "folder": str(self.folder),
            "database": self.database.render_as_string(hide_password=False),
            "settings": self.settings,
            "port": self.port,
            "cli_token": self.token,
            "pages_token": self.pages_token,
            "housekeeping_token": self.housekeeping_token,
            "secrets": self.secrets,
            "templates": str(ROOT / "config" / "templates"),
        }
        (self.folder / "wanted.json").write_text(json.dumps(wanted))
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        environment |= {
            "HUB_FOR_TESTS": str(self.folder / "wanted.json"),
            "PYTHONPATH": str(ROOT),
        }
        with (self.folder / "hub.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyterhub",
                    "--config",
                    Path(__file__).with_name("config.py"),
                ],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._await_ready()
        self.store = Store(self.database)
        self.api = HubApi(self.token, f"{self.url}/hub/api")

    def stop(self) -> None:
        self.store.close()
        self.process.terminate()
        self.process.wait(30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "hub.log").read_text()

    def browser(self, address: str | None = None) -> Browser:
        """A browser with no cookies, at an address that nobody used yet."""
        return Browser(self.url, address or next(addresses))

    def knows(self, token: str) -> bool:
        """Whether an API token opens anything."""
        headers = {"Authorization": f"token {token}"}
        return self.browser().get("/hub/api/user", headers=headers).status_code == 200

    def tokens_of(self, name: str) -> list[str]:
        """What the API tokens of somebody say of themselves; logins to services are none."""
        with closing(sqlite3.connect(self.folder / "jupyterhub.sqlite")) as database:
            rows = database.execute(
                "SELECT note FROM api_tokens JOIN users ON users.id = user_id "
                "WHERE name = ? AND client_id = 'jupyterhub' ORDER BY note",
                (name,),
            ).fetchall()
        return [note for (note,) in rows]

    def service_token(self, browser: Browser) -> str:
        """What the service ``pages`` holds of this browser's login, by OAuth."""
        return self.fetch_token(self.service_code(browser))

    def service_code(self, browser: Browser) -> str:
        """What the hub hands this browser for the service: good for one token."""
        answer = browser.get("/hub/api/oauth2/authorize", params=PAGES | {"response_type": "code"})
        code = re.search(r"[?&]code=([^&]+)", answer.headers["Location"])
        assert code, answer.headers
        return code.group(1)

    def fetch_token(self, code: str) -> str:
        """What the service gets for it. Raises KeyError when the hub gives nothing."""
        secret = {"client_secret": self.pages_token, "grant_type": "authorization_code"}
        where, fields = f"{self.url}/hub/api/oauth2/token", PAGES | secret | {"code": code}
        answer = requests.post(where, data=fields, timeout=30, proxies={"http": ""})
        return answer.json()["access_token"]

    def _await_ready(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{self.url}/hub/api/", timeout=5, proxies={"http": ""})
                return
            except requests.ConnectionError:
                assert self.process.poll() is None and time.monotonic() < until, self.log
                time.sleep(0.1)


class Browser:
    """Cookies, forms, and the header that the proxy would add."""

    def __init__(self, url: str, address: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Forwarded-For"] = address

    def get(self, path: str, **options: object) -> requests.Response:
        return self.session.get(self.url + path, allow_redirects=False, timeout=30, **options)

    def post(self, path: str, **fields: str) -> requests.Response:
        """Sends a form as the page at that path would."""
        return self.post_to(path, path, **fields)

    def post_to(self, path: str, page: str, **fields: str) -> requests.Response:
        """Sends to one path a form that stands on the page of another."""
        fields = {"_xsrf": self._xsrf(page), **fields}
        return self.session.post(self.url + path, data=fields, allow_redirects=False, timeout=60)

    def post_raw(self, path: str, body: str) -> requests.Response:
        """Sends a form as no page would."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = f"_xsrf={self._xsrf(path)}&{body}"
        return self.session.post(self.url + path, data=body, headers=kind, timeout=60)

    def _xsrf(self, path: str) -> str:
        found = re.search(r'name="_xsrf"\s+value="([^"]*)"', self.get(path).text)
        return unescape(found.group(1)) if found else ""

    def log_in(self, username: str, password: str) -> requests.Response:
        return self.post("/hub/login", username=username, password=password)

    def me(self) -> dict | None:
        """Who the hub thinks this is."""
        answer = self.get("/hub/api/user")
        return answer.json() if answer.ok else None


def text_of(answer: requests.Response) -> str:
    """What a page says in its main part, without markup."""
    main = re.search(r"<main.*?</main>", answer.content.decode(), re.DOTALL)
    assert main, answer.text
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main.group(0))).split())


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
