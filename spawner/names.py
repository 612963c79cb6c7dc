"""Names of people: made canonical once, mapped injectively to folders and containers."""

from __future__ import annotations

import re
import string
import unicodedata

from spawner.errors import CarrelError, Code

USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}", re.ASCII)
MOST_RAW = 256
"""Longer than any name in any spelling. In characters; Unicode's normal forms take time by the
square of what they are given."""
_SAFE = frozenset(string.ascii_lowercase + string.digits + "-")


def canonical(raw: str) -> str:
    """The one spelling of a user name: trimmed, NFKC, lower case.

    Only ASCII is taken, so that no two accounts can look alike (a Cyrillic a, a dotless i):
    a twin either becomes the same name or is refused, and never shares a home by accident.

    Raises CarrelError(BAD_INPUT) for anything that is not 1 to 64 of ``a-z 0-9 . _ - @ +``.
    """
    name = unicodedata.normalize("NFKC", raw[: MOST_RAW + 1]).strip().casefold()
    if len(raw) > MOST_RAW or not USER_NAME.fullmatch(name) or ".." in name:
        raise CarrelError(
            Code.BAD_INPUT,
            "This user name cannot be used.",
            "Use 1 to 64 of the letters a-z, digits and . _ - @ +; a letter or digit comes first.",
        )
    return name


def escape(name: str) -> str:
    """A canonical name as a folder or container name part, injectively.

    Lower-case letters, digits and ``-`` stay; every other byte becomes ``_xx`` in hex. ``_``
    itself is escaped, so no two names share a result. At most 192 characters.
    """
    return "".join(c if c in _SAFE else "".join(f"_{b:02x}" for b in c.encode()) for c in name)


def unescape(part: str) -> str:
    """The canonical name that ``escape`` made ``part`` of.

    Raises CarrelError(BAD_INPUT) for anything that it makes of no name.
    """
    try:
        raw = re.sub(r"_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), part)
        if escape(canonical(raw)) == part:
            return raw
    except CarrelError:
        pass
    raise CarrelError(Code.BAD_INPUT, "This is not the folder name of a user.")
