"""A published file that is no notebook as a harmless piece of a page: its text, a picture, or its
size (pure).

What it is, is read from its bytes; its name says nothing. Whatever a browser could run, SVG and
HTML among it, is text here.
"""

from __future__ import annotations

import base64
import re
from html import escape

from hub.materials.members import MIB

MOST_TEXT, MOST_PICTURE = 256 * 1024, 2 * MIB
"""In bytes."""
_SIGNS = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBPVP8", re.DOTALL)),
)
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What shows code in another order than it is run in."""


def shown(path: str, size: int, head: bytes) -> bytes:
    """The inside of a page, for a file of that size; ``head`` is its start, all of it where it is
    ``MOST_PICTURE`` or less."""
    if size <= MOST_PICTURE and (kind := picture(head)):
        data = base64.b64encode(head).decode()
        return f'<img alt="{escape(path)}" src="data:{kind};base64,{data}">'.encode()
    text = _text(head) if size <= MOST_TEXT else None
    if text is None:
        return (
            f"<p>{_spelled(size)}. Neither a short text nor a small picture, so it is not shown "
            "here.</p><p>Open the course in a session to see it.</p>"
        ).encode()
    if not text:
        return b"<p>The file is empty.</p>"
    marked = _TURNS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return f'<pre class="file">{escape(marked)}</pre>'.encode()


def picture(head: bytes) -> str | None:
    """The media type of a picture that browsers show and run nothing of; None: none of those."""
    return next((kind for kind, sign in _SIGNS if sign.match(head)), None)


def _text(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _NOT_IN_TEXT.search(text) else text


def _spelled(size: int) -> str:
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size} bytes"
