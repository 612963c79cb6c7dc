"""Imports pydrive2 without what is never called here: 29 MB of memory instead of 48.

Service accounts, OAuth flows, settings files and HTTP digests bring OpenSSL, cryptography, asyncio
and two parsers along. While pydrive2 is imported, empty modules stand in for what is asked for
them; afterwards these are out of the way, and whoever imports the real ones gets them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

NEVER_CALLED = (
    # google-auth looks regions up with it, for service accounts.
    "asyncio",
    "google.oauth2.reauth",
    "google.oauth2.service_account",
    "httplib2.auth",
    "oauth2client",
    "oauth2client._helpers",
    "oauth2client.client",
    "oauth2client.clientsecrets",
    "oauth2client.contrib",
    "oauth2client.contrib.dictionary_storage",
    "oauth2client.file",
    "oauth2client.service_account",
    "oauth2client.tools",
    "yaml",
)


class _Absent(ModuleType):
    """Has every name, and nothing behind it."""

    __path__: list[str] = []  # noqa: RUF012  a package, with nothing in it

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
    for name, module in stood_in.items():
        package, _, last = name.rpartition(".")
        if package in stood_in:
            setattr(stood_in[package], last, module)
    sys.modules.update(stood_in)
    try:
        yield
    finally:
        for name in stood_in:
            del sys.modules[name]
