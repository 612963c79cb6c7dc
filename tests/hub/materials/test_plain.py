"""Files that are no notebooks, as pieces of a page: by their bytes, and never as what runs."""

from __future__ import annotations

import base64

import pytest
from bs4 import BeautifulSoup

from hub.materials import plain

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"), (b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        (b"GIF89a" + bytes(9), "image/gif"), (b"RIFF\n\n\0\0WEBPVP8 " + bytes(9), "image/webp"),
    ],
)  # fmt: skip
def test_pictures_are_known_by_their_bytes_whatever_they_are_called(data: bytes, kind: str) -> None:
    page = BeautifulSoup(plain.shown('a".html', len(data), data), "html.parser")
    assert page.img["src"] == f"data:{kind};base64,{base64.b64encode(data).decode()}"
    assert page.img["alt"] == 'a".html' and set(page.img.attrs) == {"src", "alt"}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>",
        "<!doctype html><body onload=x>", "</pre></main><img src=x onerror=x>", "Ünïcode ✓\n\ttab",
        "\ufeffbom", "GIF but text", "a,b\r\n1,2\r\n",
    ],
)  # fmt: skip
def test_all_text_is_text(text: str) -> None:
    data = text.encode()
    page = BeautifulSoup(plain.shown("x.svg", len(data), data), "html.parser")
    assert page.pre.text.replace("\r\n", "\n") == text.lstrip("\ufeff").replace("\r\n", "\n")
    assert [tag.name for tag in page.find_all()] == ["pre"]


def test_signs_that_turn_the_text_around_are_shown() -> None:
    data = "if x: # \u202e } \u2066 begin".encode()
    assert "\\u202e } \\u2066 begin" in plain.shown("a.py", len(data), data).decode()


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (5, b"\xff\xfe\0\0x"), (4, b"a\0b\1"), (plain.MOST_TEXT + 1, b"a" * (plain.MOST_TEXT + 1)),
        (plain.MOST_PICTURE + 1, b""), (2_500_000_000, b""), (3, b"BM\x01"),
    ],
)  # fmt: skip
def test_all_else_says_its_size_and_what_to_do(size: int, head: bytes) -> None:
    told = plain.shown("a.bin", size, head).decode()
    assert "Open the course in a session to see it." in told and "<pre" not in told
    assert "<img" not in told


def test_sizes_at_the_limits_are_shown() -> None:
    text, picture = b"a" * plain.MOST_TEXT, PNG + bytes(plain.MOST_PICTURE - len(PNG))
    assert b"<pre" in plain.shown("a", len(text), text)
    assert b"<img" in plain.shown("a", len(picture), picture)
    assert b"2.5 GB" in plain.shown("a", 2_500_000_000, b"")
    assert plain.shown("a", 0, b"") == b"<p>The file is empty.</p>"
