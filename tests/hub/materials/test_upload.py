"""An uploaded notebook or zip is taken as it claims to be, or not at all."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.materials import upload
from hub.materials.intake import LeftOut, Way
from hub.materials.members import MIB, Limits
from hub.materials.places import Place
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import files_of, notebook, take_upload, zipped


def refusal(place: Place, data: bytes, name: str = "labs.zip") -> str:
    with pytest.raises(CarrelError) as caught:
        take_upload(place, data, name)
    assert caught.value.code is Code.BAD_INPUT
    assert list(place.intakes.iterdir()) == []
    return str(caught.value)


def entry(path: str, mode: int = 0o644, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path)
    info.create_system, info.external_attr = 3, (kind | mode) << 16
    return info


def test_a_zip_is_a_tree(place: Place) -> None:
    files = {"a.ipynb": b"{}", "week 1/ü.py": b"x" * 9999, "empty": b""}
    taken = take_upload(place, zipped(files))
    assert files_of(place, taken.id) == files
    assert taken.way is Way.REPLACE


def test_a_stored_zip_is_one_too(place: Place) -> None:
    taken = take_upload(place, zipped({"a": b"1" * 300_000}, zipfile.ZIP_STORED))
    assert files_of(place, taken.id) == {"a": b"1" * 300_000}


def test_a_notebook_is_a_tree_of_one(place: Place) -> None:
    data = notebook()
    taken = take_upload(place, data, "C:\\Users\\tess\\Lab 1.IPYNB")
    assert files_of(place, taken.id) == {"Lab 1.IPYNB": data}
    assert taken.way is Way.ADD


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("x.ipynb", b"<html>", "x.ipynb is no notebook"),
        ("x.ipynb", b"", "x.ipynb is no notebook"),
        ("x.tar.gz", b"", "neither a notebook"),
        ("zip", b"", "neither a notebook"),
        ("../x.zip", b"", "x.zip is no zip"),
        ("x.zip", b"PK\5\6" + bytes(10), "x.zip is no zip"),
        ("x.zip", b"PK\5\6" + bytes(18), "There is no file in it"),
        ("x.zip", b"no zip" * 1000, "x.zip is no zip"),
        ("x.zip", zipped({"a": b"1" * 5000})[:-300], "is no zip"),
        ("x.zip", zipped({"a": b"1" * 5000})[100:], "x.zip is no zip|is broken|shares"),
    ],
)  # fmt: skip
def test_what_is_neither_is_refused(place: Place, name: str, data: bytes, says: str) -> None:
    import re

    assert re.search(says, refusal(place, data, name))


def test_links_and_devices_are_left_out_and_modes_are_two(place: Place) -> None:
    data = zipped(
        {
            entry("way", kind=stat.S_IFLNK): b"/etc/passwd",
            entry("pipe", kind=stat.S_IFIFO): b"",
            entry("run.sh", 0o4777): b"1",
            entry("lab", 0o666): b"2",
        }
    )
    taken = take_upload(place, data)
    assert files_of(place, taken.id) == {"run.sh": b"1", "lab": b"2"}
    assert taken.left_out == (LeftOut("way", "it is a link"), LeftOut("pipe", "it is no file"))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/etc/x", "from the root of a disk"),
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("C:\\x", "a name with a backslash"),
        ("..\\x", "a name with a backslash"),
        ("a\nb", "control characters"),
        ("x" * 10_000, "more than 1000 bytes"),
        ("data/x", "in a folder data"),
    ],
)
def test_a_name_that_is_none_is_refused(place: Place, path: str, says: str) -> None:
    assert says in refusal(place, zipped({"ok": b"", path: b"x"}))


def test_a_name_does_not_end_at_a_nul(place: Place) -> None:
    data = zipped({"aXb": b"x"}).replace(b"aXb", b"a\0b")
    assert "control characters" in refusal(place, data)


def test_twins_are_refused(place: Place) -> None:
    assert "differs" in refusal(place, zipped({"Lab": b"", "lab": b""}))


def test_a_locked_file_is_refused(place: Place) -> None:
    data = bytearray(zipped({"a": b"x"}))
    central = data.rfind(b"PK\1\2")
    data[6] |= 1
    data[central + 8] |= 1
    assert "a is locked with a password" in refusal(place, bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_rare_packing_is_refused(place: Place, method: int) -> None:
    assert "packed in a way" in refusal(place, zipped({"a": b"x" * 100}, method))


def test_a_bomb_is_refused_by_what_it_says(place: Place) -> None:
    data = zipped({f"f{n}": bytes(20 * MIB) for n in range(4)})
    assert len(data) < MIB / 8
    assert "far larger than what was sent" in refusal(place, data)


def _claiming(data: bytes, size: int) -> bytes:
    """The list and the local header of the only file say another size."""
    changed = bytearray(data)
    struct.pack_into("<L", changed, 22, size)
    struct.pack_into("<L", changed, changed.rfind(b"PK\1\2") + 24, size)
    return bytes(changed)


@pytest.mark.parametrize("size", [0, 10, 50_000, 2_000_000])
def test_a_size_that_is_another_is_refused(place: Place, size: int) -> None:
    data = _claiming(zipped({"a.csv": b"x" * 100_000}), size)
    assert "a.csv is broken, or not as long" in refusal(place, data)


def test_a_claim_beyond_the_limit_is_refused(place: Place) -> None:
    data = _claiming(zipped({"a.csv": bytes(20 * MIB) + bytes(range(256)) * 8192}), 101 * MIB)
    assert "far larger" in refusal(place, data)
    stored = zipped({"a.csv": bytes(101 * MIB)}, zipfile.ZIP_STORED)
    assert "a.csv has more than 100 MB" in refusal(place, stored)


def _overlapping(count: int) -> bytes:
    """Many names in the list, all of one local header."""
    data = zipped({"a": b"x" * 5000})
    at = data.rfind(b"PK\1\2")
    end = data.rfind(b"PK\5\6")
    central = data[at:end]
    listed = b"".join(
        central[:46] + f"{n:0{central[28]}d}".encode()[: central[28]] + central[46 + central[28] :]
        for n in range(count)
    )
    tail = bytearray(data[end:])
    struct.pack_into("<HHL", tail, 8, count, count, len(listed))
    return data[:at] + listed + bytes(tail)


def test_files_that_share_their_bytes_are_refused(place: Place) -> None:
    assert "shares its bytes" in refusal(place, _overlapping(5))


def test_a_list_that_is_too_long_is_not_read(place: Place) -> None:
    """A million names in the list would take a gigabyte of memory."""
    data = zipped({"a": b"x"})
    at, end = data.rfind(b"PK\1\2"), data.rfind(b"PK\5\6")
    listed = data[at:end] * 400_000
    tail = bytearray(data[end:])
    struct.pack_into("<HHL", tail, 8, 1, 1, len(listed))
    whole = data[:at] + listed + bytes(tail)
    tracemalloc.start()
    with pytest.raises(CarrelError, match="more than 50,000 entries"):
        list(upload.members(io.BytesIO(whole), "x.zip", Limits()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(whole)


def test_a_list_in_the_large_form_is_refused(place: Place) -> None:
    data = zipped({"a": b"x"})
    end = data.rfind(b"PK\5\6")
    large = data[:end] + b"PK\6\7" + bytes(16) + data[end:]
    assert "more entries or bytes than are taken" in refusal(place, large)


def test_too_many_files_are_refused(place: Place) -> None:
    data = zipped({f"f{n}": b"" for n in range(20_001)}, zipfile.ZIP_STORED)
    assert "more than 20,000 files" in refusal(place, data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.floats(0, 1))
def test_any_bytes_are_entries_or_a_sentence(noise: bytes, where: float) -> None:
    data = bytearray(zipped({"a": b"x" * 600, "b" * 50: b"y"}))
    at = int(where * len(data))
    data[at : at + len(noise)] = noise
    try:
        for member in upload.members(io.BytesIO(bytes(data)), "x.zip", Limits()):
            assert sum(map(len, member.read())) == member.size
    except CarrelError as error:
        assert error.code is Code.BAD_INPUT
