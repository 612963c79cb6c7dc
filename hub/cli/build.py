"""Builds images with visible progress, two at a time; a log for each."""

from __future__ import annotations

import re
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hub.cli import shell
from hub.cli.images import Build
from spawner.errors import CarrelError, Code

STEP = re.compile(r"^(?:Step (\d+/\d+) : |#\d+ \[(?:stage-\d+ |)\s*(\d+/\d+)\] )(.*)")
PARALLEL = 2
LAST_LINES = 15


@dataclass(frozen=True)
class Builder:
    """How to build: proxies as build arguments, where logs go, whom to tell."""

    logs: Path
    proxies: Mapping[str, str]
    say: Callable[[str], None]

    def ensure(self, builds: list[Build]) -> None:
        """Builds what is missing. Builds must not depend on one another.

        Raises CarrelError(FAILED) with the last lines of the first that failed.
        """
        missing = [build for build in builds if not present(build.reference)]
        with ThreadPoolExecutor(PARALLEL) as pool:
            for done in [pool.submit(self._build, build) for build in missing]:
                done.result()

    def _build(self, build: Build) -> None:
        name, started = build.image.name, time.monotonic()
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"build-{name}.log"
        self.say(f"{name}: building")
        last: deque[str] = deque(maxlen=LAST_LINES)
        process = subprocess.Popen(
            self._command(build),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdin and process.stdout
        with log.open("wb") as sink, process.stdout as lines:
            # The client reads the whole context before it prints; contexts are a few MB.
            try:
                process.stdin.write(build.context())
                process.stdin.close()
            except BrokenPipeError:
                pass  # the client says why on its output
            for raw in lines:
                sink.write(raw)
                sink.flush()
                line = raw.decode(errors="replace").rstrip()
                if line:
                    last.append(line)
                if step := STEP.match(line):
                    what = " ".join(step.group(3).split())[:60]
                    self.say(f"{name}: step {step.group(1) or step.group(2)} {what}")
        if process.wait() != 0:
            raise CarrelError(
                Code.FAILED,
                f"Building the image {name} failed. Its last lines:\n  " + "\n  ".join(last),
                f"\nThe whole log: {log}. Mend the cause and run the command again; what is "
                "built already is kept.",
            )
        self.say(f"{name}: built in {time.monotonic() - started:.0f} s")

    def _command(self, build: Build) -> list[str]:
        arguments = {"BASE": build.parent_reference, **dict(build.arguments), **self.proxies}
        if build.image.parent == "debian":
            arguments["DEBIAN"] = arguments.pop("BASE")
        return [
            "docker", "build", "--tag", build.reference, "--file", build.image.dockerfile,
            *(part for k, v in arguments.items() for part in ("--build-arg", f"{k}={v}")),
            "-",
        ]  # fmt: skip


def present(reference: str) -> bool:
    """Whether the engine has that image."""
    return shell.run(["docker", "image", "inspect", "--format", "{{.Id}}", reference]).ok
