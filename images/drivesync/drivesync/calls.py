"""Sends requests: within the buckets, again where that is harmless, faults for everything else."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from drivesync import answers, faults
from drivesync.bucket import Buckets

T = TypeVar("T")
Make = Callable[[], Any]
"""A request of googleapiclient, made anew for every attempt."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def refused(self) -> Exception:
        """To be raised within ``Calls.run``, which knows what it means."""
        return answers.Refused(answers.read_answer(self.status, self.headers, self.body))


class Sort(Enum):
    """Of a request: what it costs, and whether it may go again when its answer was lost."""

    READ = "read"
    WRITE = "write"
    PART = "part"
    """Of an upload: costs as a read does, and before it goes again Drive is asked."""


class Calls:
    """Requests of all threads. ``patience_s`` is how long one waits, all in all, while Drive wants
    fewer; ``stop`` ends all waiting."""

    def __init__(self, drive: Any, buckets: Buckets, patience_s: float) -> None:
        self.drive = drive
        self.stop = threading.Event()
        self._buckets = buckets
        self._patience_s = patience_s

    @property
    def service(self) -> Any:
        return self.drive.auth.service

    def read(self, make: Make, parse: Callable[[Any], T]) -> T:
        """May be sent several times."""
        return self.run(lambda: parse(self._execute(make())), Sort.READ)

    def write(self, make: Make, parse: Callable[[Any], T]) -> T:
        """Sent again only when Drive said that it did not do it."""
        return self.run(lambda: parse(self._execute(make())), Sort.WRITE)

    def run(self, once: Callable[[], T], sort: Sort) -> T:
        """``once`` sends one request; raises whatever the libraries raise."""
        began, write = time.monotonic(), sort is Sort.WRITE
        tries = 0
        while True:
            self._wait(self._buckets.take(write))
            tries += 1
            try:
                return once()
            except Exception as error:
                again = answers.refusal(error)
                if again is None:
                    raise
                left_s = self._patience_s - (time.monotonic() - began)
                wait_s = self._wait_before(again, sort, tries, left_s)
                if wait_s is None:
                    if again.fault is error:
                        raise
                    raise again.fault from error
            self._wait(wait_s)

    def exchange(
        self, uri: str, method: str, headers: Mapping[str, str], body: Any = None
    ) -> Reply:
        """One request, sent once, not counted by the buckets: part of a ``run``."""
        with self.drive.auth.borrowed() as http:
            response, content = http.request(uri, method, body=body, headers=dict(headers))
        return Reply(int(response.status), response, content)

    def back_off(self, failures: int) -> None:
        """Before something is looked at again that may have been done."""
        self._wait(min(answers.LONGEST_WAIT_S, 2.0 ** (failures - 1)) / 2)

    def _wait_before(
        self, again: answers.Refusal, sort: Sort, tries: int, left_s: float
    ) -> float | None:
        if isinstance(again.fault, faults.Busy):
            self._buckets.slow(sort is Sort.WRITE, again.after_s or 0.0)
        if self.stop.is_set():
            return None
        jitter = random.random()  # noqa: S311  so that sidecars do not come back all at once
        return answers.wait_before(again, sort is Sort.READ, tries, left_s, jitter)

    def _execute(self, request: Any) -> Any:
        with self.drive.auth.borrowed() as http:
            return request.execute(http=http)

    def _wait(self, seconds: float) -> None:
        # Nothing was sent: Busy is what tells that nothing was done.
        if seconds > 0 and self.stop.wait(seconds):
            raise faults.Busy("The sync ends.")
