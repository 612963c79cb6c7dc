"""Uploads read the disk while they are sent."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

import pytest
from drivesync.bodies import Body, Meter, multipart
from drivesync.faults import LocalChanged


@dataclass
class Bytes:
    data: bytes
    size: int
    md5: str = "x"
    opened: int = 0

    def open(self) -> BinaryIO:
        self.opened += 1
        return io.BytesIO(self.data)


class Told:
    def __init__(self) -> None:
        self.sum = 0

    def __call__(self, more: int) -> None:
        self.sum += more


def read_all(body: Body, block: int = 7) -> bytes:
    parts = []
    while data := body.read(block):
        parts.append(data)
    return b"".join(parts)


def test_a_part_is_sent_between_what_surrounds_it() -> None:
    told = Told()
    body = Body(Bytes(b"0123456789", 10), range(3, 10), Meter(told), (b"<<", b">>"))
    assert read_all(body) == b"<<3456789>>"
    assert body.length == 11


def test_it_can_be_sent_again_from_a_source_that_is_opened_anew() -> None:
    told, source = Told(), Bytes(b"0123456789", 10)
    body = Body(source, range(10), Meter(told))
    assert body.read(4) == b"0123"
    assert told.sum == 4
    body.seek(0)
    assert told.sum == 0
    assert read_all(body) == b"0123456789"
    assert (told.sum, source.opened) == (10, 2)


@pytest.mark.parametrize("data", [b"01234", b"0123456789a", b""])
def test_a_file_of_another_length_is_never_sent_whole(data: bytes) -> None:
    body = Body(Bytes(data, 10), range(10), Meter(Told()))
    sent = b""
    with pytest.raises(LocalChanged):
        while more := body.read(4):
            sent += more
    assert len(sent) < 10


def test_a_file_that_was_empty_is_looked_at_too() -> None:
    body, _ = multipart({}, "text/plain", Bytes(b"no longer", 0), Meter(Told()))
    with pytest.raises(LocalChanged):
        body.read()


def test_a_multipart_body_is_as_long_as_it_says() -> None:
    source = Bytes(b"--\r\nlooks like a boundary", 25)
    body, headers = multipart({"title": "ü"}, "text/plain", source, Meter(Told()))
    sent = read_all(body, 65536)
    assert len(sent) == int(headers["content-length"])
    boundary = headers["content-type"].split('"')[1].encode()
    assert sent.count(b"--" + boundary) == 3
    assert b"looks like a boundary\r\n--" + boundary + b"--\r\n" in sent
