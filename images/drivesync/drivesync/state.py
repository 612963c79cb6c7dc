"""What is remembered between two cycles, and across crashes (``/state/sync.sqlite``)."""

from __future__ import annotations

from pathlib import Path as FilePath


class State:
    """``State.open`` never fails for a damaged file: it is moved aside, and the sync begins anew by
    comparing md5. ``state.uploads`` is the ``sides.Uploads`` for Drive's side."""

    @staticmethod
    def open(file: FilePath) -> State:
        raise NotImplementedError
