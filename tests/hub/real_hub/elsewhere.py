"""Values of ``next`` that would lead to another site, and whether an address does."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example/x",
    "https://evil.example/x",
    "HTTPS:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/%09/evil.example",
    "//127.0.0.1@evil.example/",
    "https://127.0.0.1.evil.example/",
    "@evil.example",
    ".evil.example",
    "\0//evil.example",
]


def stays(here: str, location: str) -> bool:
    """Whether a browser at ``here`` stays on that origin.

    As browsers read it: tabs and newlines do not count, and a backslash is a slash.
    """
    plain = location.translate({ord(c): None for c in "\t\r\n"}).strip(" \0").replace("\\", "/")
    there, origin = urlsplit(urljoin(here, plain)), urlsplit(here)
    return (there.scheme, there.netloc) == (origin.scheme, origin.netloc)
