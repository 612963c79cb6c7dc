"""Threads for engine calls: one user's calls one after another, all users' side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

Call = tuple[Future[Any], Callable[[], Any]]


class EnginePool:
    """At most ``threads`` calls at a time, and of each user at most one.

    So a call never overtakes an earlier one of the same user, and whoever has slow calls holds
    one thread with them, however many they are. Users take turns: one call each.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "engine")
        self._lock = threading.Lock()
        # A user is here from the first call until the last one ended, with the calls that have
        # not begun.
        self._lines: dict[str, deque[Call]] = {}
        self._closed = False

    def submit(
        self, user: str, call: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """The future of ``call(*args, **kwargs)``, made in a thread when it is the user's turn.

        Cancelled before its turn it is never made. One that is under way runs on, and the user's
        next waits for its end: the engine carries out what it was asked, whoever has left.
        Raises RuntimeError once shut down.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool of engine calls is shut down")
            waiting = (future, partial(call, *args, **kwargs))
            if user in self._lines:
                self._lines[user].append(waiting)
            else:
                self._lines[user] = deque([waiting])
                self._threads.submit(self._turn, user)
        return future

    def shutdown(self) -> None:
        """Cancels what has not begun and waits for the rest."""
        with self._lock:
            self._closed = True
            waiting = [call for line in self._lines.values() for call in line]
            for line in self._lines.values():
                line.clear()
        for future, _ in waiting:
            future.cancel()
        self._threads.shutdown()

    def _turn(self, user: str) -> None:
        """Makes one call of the user's; their next one queues behind those of others."""
        with self._lock:
            call = self._lines[user].popleft() if self._lines[user] else None
        if call is not None:
            _make(*call)
        with self._lock:
            if self._lines[user]:
                self._threads.submit(self._turn, user)
            else:
                del self._lines[user]


def _make(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        answer = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(answer)
