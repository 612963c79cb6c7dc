"""Drive's side of a sidecar in a process of its own, for check_memory.py."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, sys.argv[1])

from drivesync.bucket import Buckets
from drivesync.remote import make_remote


class OnDisk:
    def __init__(self, path: Path) -> None:
        self.path, self.size = path, path.stat().st_size
        with path.open("rb") as file:
            self.md5 = hashlib.file_digest(file, "md5").hexdigest()

    def open(self) -> BinaryIO:
        return self.path.open("rb")


class Incoming:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def restart(self) -> None:
        raise AssertionError

    discard = restart


class Saved:
    def find(self, key: str) -> None:
        return None

    def save(self, key: str, uri: str) -> None:
        pass

    def forget(self, key: str) -> None:
        pass


def resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    what, given = sys.argv[2], json.loads(sys.argv[3])
    folder = Path(given["folder"])
    ends = datetime.now(UTC) + timedelta(hours=1)
    remote = make_remote(given["url"], lambda: (given["token"], ends), Saved(), Buckets(1000, 1000))
    remote.account()
    if what == "up":
        id_ = remote.new_ids(1)[0]
        (folder / "id").write_text(id_)
        source = OnDisk(folder / "large")
        made = remote.create(id_, given["root"], "large", source, lambda more: None)
        assert made.md5 == source.md5
    elif what == "down":
        of = remote.get((folder / "id").read_text())
        assert of
        remote.download(of, Incoming(folder / "came"), lambda more: None)
    else:
        remote.changes(remote.cursor())
    print(
        json.dumps(
            {
                "now": resident("VmRSS:"),
                "anonymous": resident("RssAnon:"),
                "most": resident("VmHWM:"),
            }
        )
    )


main()
