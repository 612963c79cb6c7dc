"""The page for everybody: who you are here, and where things are."""

from __future__ import annotations

from hub.web.base import Handler


class About(Handler):
    """``/services/carrel/``"""

    def get(self) -> None:
        self.page("about.html", github=self.carrel.github.host)
