"""Gives back what a burst of work held: a sidecar is at rest for most of its life."""

from __future__ import annotations

import ctypes
import gc

_libc = ctypes.CDLL(None)


def trim() -> None:
    """Takes some milliseconds. The C library keeps what was freed, unless it is asked."""
    gc.collect()
    if hasattr(_libc, "malloc_trim"):  # glibc's
        _libc.malloc_trim(0)
