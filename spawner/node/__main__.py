"""Starts node (``python -m spawner.node``), or asks the running one (``… health``)."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from spawner.errors import CarrelError
from spawner.node import config, health

log = logging.getLogger("carrel.node")


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = config.load(Path(os.environ.get("CARREL_ETC", "/srv/carrel/etc")) / "node.json")
        if arguments == ["health"]:
            well, detail = health.ask(settings.socket)
            print(detail)
            return 0 if well else 1
        if arguments:
            print("Usage: python -m spawner.node [health]", file=sys.stderr)
            return 2
        from spawner.node import server  # noqa: PLC0415 (half a second that health can do without)

        server.run(settings)
    except CarrelError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
