"""A form with a file is read the same however its bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.multipart import MOST_HEAD, MOST_PARTS, MOST_PREAMBLE, Multipart, Part
from spawner.errors import CarrelError, Code

TYPE = "multipart/form-data; boundary=xYz"
Fields = list[tuple[Part, bytes]]


def written(fields: Fields, boundary: str = "xYz") -> bytes:
    """As browsers do."""
    parts = []
    for part, value in fields:
        name = part.name.replace('"', "%22")
        file = "" if part.file is None else f'; filename="{part.file}"'.replace("\n", "%0A")
        head = f'Content-Disposition: form-data; name="{name}"{file}\r\n'
        parts.append(f"--{boundary}\r\n{head}\r\n".encode() + value + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def read(pieces: list[bytes], content_type: str = TYPE) -> tuple[Fields, bool]:
    form = Multipart(content_type)
    found: Fields = []
    for piece in pieces:
        for event in form.feed(piece):
            if isinstance(event, Part):
                found.append((event, b""))
            else:
                part, value = found[-1]
                found[-1] = part, value + event
    return found, form.ended


values = st.lists(
    st.sampled_from([b"\r\n", b"--", b"xYz", b"\r\n--xY", b"-", b"\r", b"\n", b"a\0", b""])
).map(b"".join)
parts = st.builds(Part, st.sampled_from(["a", 'q"', ""]), st.sampled_from([None, "x.zip", "ü\n"]))


@given(st.lists(st.tuples(parts, values), max_size=5), st.data())
def test_a_form_reads_the_same_however_it_is_cut(fields: Fields, data: st.DataObject) -> None:
    whole = written([(p, v) for p, v in fields if b"\r\n--xYz" not in b"\r\n" + v])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=30)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = [(p, v) for p, v in fields if b"\r\n--xYz" not in b"\r\n" + v]
    assert read(pieces) == (expected, True)
    assert read([whole[n : n + 1] for n in range(len(whole))]) == (expected, True)


def test_little_is_held_back_of_a_large_file() -> None:
    form = Multipart(TYPE)
    list(form.feed(written([(Part("f", "x.zip"), b"")]).split(b"\r\n\r\n")[0] + b"\r\n\r\n"))
    for _ in range(50):
        given_back = b"".join(event for event in form.feed(b"\r" * 100_000) if event)
        assert len(given_back) >= 100_000 - 10
    assert not form.ended


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "a; boundary=b",
     "multipart/form-data; boundary=" + "x" * 71, "multipart/form-data; boundary=ü"],
)  # fmt: skip
def test_what_is_no_form_is_refused(content_type: str) -> None:
    with pytest.raises(CarrelError) as caught:
        Multipart(content_type)
    assert caught.value.code is Code.BAD_INPUT


@pytest.mark.parametrize(
    "body",
    [b"x" * (MOST_PREAMBLE + 10), b"--xYz??", b"--xYz\r\nA: b\r\n\r\n", b"--xYz\r\n\r\n\r\n",
     b"--xYz\r\n" + b"a" * (MOST_HEAD + 1),
     written([(Part("a"), b"")] * (MOST_PARTS + 1))],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_soon(body: bytes) -> None:
    with pytest.raises(CarrelError):
        read([body])


def test_a_form_that_breaks_off_is_not_at_its_end() -> None:
    whole = written([(Part("f", "x.zip"), b"abc")])
    assert read([whole[:-10]])[1] is False


def test_the_names_of_programs_are_understood() -> None:
    head = b'--xYz\r\ncontent-disposition: form-data; name="file"; filename="a"; '
    head += b"filename*=utf-8''%C3%BC.zip\r\n\r\nx\r\n--xYz--"
    assert read([head]) == ([(Part("file", "ü.zip"), b"x")], True)
