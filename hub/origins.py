"""Under which origins browsers see hub and web: one for all, or one for each (pure).

On one origin a student's server can act as whoever opens it: its scripts, and the service worker
that they leave behind, read and send what the hub's own pages may. Only with an origin for each
user does the browser keep them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.knobs import Server
from hub.scopes import PREFIX, WEB
from hub.settings import Settings

WARNING = (
    "All sessions share one web address: a page in one student's session can act as whoever opens "
    "it, admins included."
)
REMEDY = (
    "Give each its own: a DNS name with a wildcard (carrel.example.org and *.carrel.example.org) "
    "as [server] public_url, and [server] subdomains = true. Until then nobody should open links "
    "into other people's sessions."
)


@dataclass(frozen=True)
class Origins:
    """`scheme://host[:port]` of hub and web; both empty where everything shares one."""

    hub: str
    web: str

    @property
    def pages(self) -> str:
        """Where the carrel service's pages are."""
        return f"{self.web}{PREFIX}"

    @property
    def host_cookies(self) -> bool:
        """Whether cookies can be the host's own: named `__Host-`, which browsers let no other host
        set, not even one below it.

        Browsers demand https and the path `/` for it, so not where sessions share that path.
        """
        return self.hub.startswith("https://")


def absolute(settings: Settings) -> str:
    """Where the carrel service's pages are, for those who read it elsewhere; ends in a slash."""
    where = of(settings.server)
    return f"{where.web or settings.public_url}{PREFIX}"


def of(server: Server) -> Origins:
    """JupyterHub's own rule for a service's host: `<name>--service.<domain>`."""
    if not server.subdomains:
        return Origins("", "")
    url = urlsplit(server.public_url)
    return Origins(server.public_url, f"{url.scheme}://{WEB}--service.{url.netloc}")
