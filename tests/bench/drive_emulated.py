"""The emulated Drive of a bench: a process of its own, set up and looked at over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests/emulators/drive"
CONTENT = {"files.insert", "files.create", "files.update", "files.get", "uploads.begin",
           "uploads.put"}  # fmt: skip
"""Operations that move a file's bytes."""
AT_ONCE = 8


@dataclass(frozen=True)
class Asked:
    """Requests to the API, in order. ``span_s`` is from the first one to the last that moved
    bytes."""

    entries: tuple[dict[str, Any], ...]

    def of(self, *operations: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["operation"] in operations]

    @property
    def writes(self) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["method"] != "GET"]

    @property
    def moved(self) -> list[dict[str, Any]]:
        return self.of(*CONTENT)

    @property
    def until_done(self) -> int:
        """Requests up to the last one that moved bytes."""
        last = max((entry["at_ms"] for entry in self.moved), default=0)
        return sum(entry["at_ms"] <= last for entry in self.entries)

    @property
    def span_s(self) -> float:
        began = min(entry["at_ms"] - entry["took_ms"] for entry in self.entries)
        return (max(entry["at_ms"] for entry in self.moved) - began) / 1000

    def cycles(self, pause_ms: float) -> list[int]:
        """Requests of each look: what came together, without a pause between."""
        looks: list[int] = []
        last = float("-inf")
        for entry in self.entries:
            if entry["at_ms"] - last > pause_ms:
                looks.append(0)
            looks[-1] += 1
            last = entry["at_ms"]
        return looks


class Emulated:
    """Its control interface."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"

    def call(self, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
        """Raises RuntimeError with what it says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, f"/control/{name}", json.dumps(body or {}))
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {name}: {answer.status} {said[:300]!r}")
        return json.loads(said)["result"]

    def account(self, name: str) -> str:
        """Its address, which is what the other calls take."""
        email = f"{name}@example.org"
        self.call("POST", "accounts", {"email": email, "most_bytes": 0})
        return email

    def token(self, email: str) -> str:
        return str(self.call("POST", "tokens", {"email": email})["access"])

    def folder(self, email: str, title: str) -> str:
        made = self.call("POST", "files", {"email": email, "title": title, "folder": True})
        return str(made["id"])

    def fill(self, email: str, folder: str, texts: dict[str, str]) -> None:
        """Files by title, as if somebody had made them in a browser."""

        def one(title: str) -> None:
            body = {"email": email, "title": title, "parent": folder, "text": texts[title]}
            self.call("POST", "files", body)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(one, texts))

    def tree(self, email: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("POST", "tree", {"email": email})
        return found

    def edit(self, id_: str, **change: Any) -> None:
        self.call("POST", "edit", {"id": id_, **change})

    def forget(self) -> None:
        """Begins to count anew."""
        self.call("DELETE", "journal")

    def asked(self) -> Asked:
        told: Sequence[dict[str, Any]] = self.call("GET", "journal")
        api = [entry for entry in told if entry["operation"]]
        return Asked(tuple(sorted(api, key=lambda entry: entry["at_ms"])))

    def require_sound(self) -> None:
        """Raises SystemExit where the emulator answered what Google's description forbids."""
        failures = self.call("GET", "summary")["failures"]
        if failures:
            raise SystemExit(f"the emulator is at fault: {failures[:3]}")


@contextmanager
def emulated(python: Path, folder: Path, delay_ms: int) -> Iterator[Emulated]:
    """``python`` has google-api-python-client, whose descriptions every answer is held against."""
    (site,) = (python.parent.parent / "lib").glob("python3*/site-packages")
    documents = site / "googleapiclient/discovery_cache/documents"
    command = [
        python, "-m", "drive_emulator", "--port", "0", "--control", "--folder", folder,
        "--delay-ms", str(delay_ms), "--discovery", documents / "drive.v2.json",
        "--discovery", documents / "drive.v3.json",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(PROGRAM)}
    ) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            if not said:
                raise SystemExit("the emulator does not start")
            yield Emulated(int(said.rsplit(maxsplit=1)[-1]))
        finally:
            process.terminate()
