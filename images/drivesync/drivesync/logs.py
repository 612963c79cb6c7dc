"""Logs: a line each, to stderr, without anything that opens a door."""

from __future__ import annotations

import logging
import re
import sys

_SECRET = re.compile(
    r"ya29\.[\w.-]+"  # Google's access tokens
    r"|(?<=upload_id=)[\w.-]+"  # whoever knows it may write
    r"|(?i:(?<=bearer )|(?<=carrel ))[\w.~+/=-]{20,}"
)


class OneLine(logging.Formatter):
    """A traceback stands in the line of its message."""

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return _SECRET.sub("…", " | ".join(line.strip() for line in lines if line.strip()))


def begin() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("drivesync").setLevel(logging.INFO)
