"""What a link may name inside a session: paths below /content, nothing that leads out (pure)."""

from __future__ import annotations

import re
import unicodedata

MOST_PATH = 1024
"""In characters."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_below_content(path: str) -> bool:
    """Whether it names a file or folder below the one it starts from, however it is read."""
    parts = path.removesuffix("/").split("/")
    return not (
        len(path) > MOST_PATH
        or "\\" in path
        or "\N{REPLACEMENT CHARACTER}" in path
        or any(part in ("", ".", "..") for part in parts)
        or _SCHEME.match(path)
        or any(unicodedata.category(character) in _CONTROLS for character in path)
    )
