"""A line that is written over, for whoever waits and looks on."""

from __future__ import annotations

from typing import TextIO


class ProgressLine:
    """Shows nothing where ``watched`` is False: a log would get a line for every look."""

    def __init__(self, stream: TextIO, watched: bool) -> None:
        self._stream = stream
        self._watched = watched
        self._shown = ""

    def show(self, text: str) -> None:
        if not self._watched or text == self._shown:
            return
        self._stream.write("\r" + text.ljust(len(self._shown)))
        self._stream.flush()
        self._shown = text

    def clear(self) -> None:
        if self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
            self._stream.flush()
            self._shown = ""
