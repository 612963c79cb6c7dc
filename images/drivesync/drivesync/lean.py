"""Imports pydrive2 without what is never called here: 39 MB instead of 48.

Service accounts, OAuth flows and HTTP digests bring OpenSSL, cryptography, pyasn1 and pyparsing
along. While pydrive2 is imported, empty modules stand in for them; afterwards they are out of the
way, and whoever imports the real ones gets them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

NEVER_CALLED = ("google.oauth2.service_account", "httplib2.auth", "oauth2client.crypt")


class _Absent(ModuleType):
    """Has every name, and nothing behind it."""

    def __getattr__(self, name: str) -> type[Exception]:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (Exception,), {})
        setattr(self, name, made)
        return made


@contextmanager
def imports() -> Iterator[None]:
    """Within it, pydrive2 and what it needs are imported."""
    stood_in = {name: _Absent(name) for name in NEVER_CALLED if name not in sys.modules}
    sys.modules.update(stood_in)
    try:
        yield
    finally:
        for name in stood_in:
            del sys.modules[name]
