"""Starts the sidecar: ``python -m drivesync``."""

from __future__ import annotations

import os

from drivesync import logs

if __name__ == "__main__":
    logs.begin()
    from drivesync import composition, process

    process.main(os.environ, composition.make, composition.watch)
