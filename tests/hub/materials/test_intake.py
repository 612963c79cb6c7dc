"""An untrusted tar is taken in whole, or refused in a sentence that names the file."""

from __future__ import annotations

import tarfile
import tracemalloc
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.enums import Source
from hub.materials import intake, repository, tars
from hub.materials.intake import Intake, LeftOut, Way
from hub.materials.members import MIB, Limits
from hub.materials.places import Place
from hub.materials.repository import MAIN, NOTHING, Made
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import (
    END,
    NOW,
    endless,
    files_of,
    header,
    padded,
    reading,
    special,
    take,
    take_stream,
    take_tar,
    tar,
)


def refusal(place: Place, data: bytes, limits: Limits | None = None, **origin: object) -> str:
    """What is said; and that nothing is left of it."""
    with pytest.raises(CarrelError) as caught:
        take_tar(place, data, limits, **origin)
    assert caught.value.code is Code.BAD_INPUT
    assert list(place.intakes.iterdir()) == []
    return str(caught.value)


def test_a_tree_is_taken_whole(place: Place) -> None:
    files = {"lab1.ipynb": b"{}", "week 2/übung.py": b"x\n" * 5, "week 2/.gitignore": b"*.pyc"}
    taken = take(place, files, detail="/content/labs")
    assert files_of(place, taken.id) == files
    assert (taken.files, taken.size) == (3, 17)
    assert (taken.by, taken.at, taken.source) == ("tess", NOW, Source.SESSION)
    assert taken.detail == "/content/labs"
    assert intake.look(place, taken.id) == taken


def test_nothing_of_it_lies_in_the_repository_that_sessions_see(place: Place) -> None:
    taken = take(place, {"solution.ipynb": b"secret"})
    course = repository.Repository(place.repository)
    assert course.ask("cat-file", "-e", f"{taken.commit}").code != 0
    assert list((place.repository / "objects" / "pack").iterdir()) == []
    assert place.intakes.stat().st_mode & 0o077 == 0


def test_only_the_owners_x_is_kept_of_a_mode(place: Place) -> None:
    modes = {"plain": 0o666, "run.sh": 0o4755, "odd": 0o011}
    data = b"".join(tar({path: b""}, mode=mode)[:512] for path, mode in modes.items()) + END
    taken = take_tar(place, data)
    listed = intake.of(place, taken.id).must("ls-tree", "-r", taken.commit).decode()
    assert {line.split()[3]: line[:6] for line in listed.splitlines()} == {
        "plain": "100644", "run.sh": "100755", "odd": "100644",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (special("way", tarfile.SYMTYPE, "/etc/passwd"), "it is a link"),
        (special("way", tarfile.LNKTYPE, "lab.ipynb"), "it is a second name of another file"),
        (special("way", tarfile.FIFOTYPE), "it is a pipe"),
        (special("way", tarfile.CHRTYPE), "it is a device"),
        (special("way", tarfile.BLKTYPE), "it is a device"),
        (special(".git/config", tarfile.REGTYPE), "the folder of a git repository"),
        (special(".gitmodules", tarfile.REGTYPE), "no repositories within it are fetched"),
        (special("a/.gitattributes", tarfile.REGTYPE), "it would change how git reads"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_left_out_and_listed(
    place: Place, info: tarfile.TarInfo, why: str
) -> None:
    taken = take_tar(place, tar({"lab.ipynb": b"{}"}, [info]))
    path = info.name.removesuffix("/config")
    assert taken.left_out == (LeftOut(path, taken.left_out[0].why),)
    assert taken.left_out[0].why.startswith(why)
    assert files_of(place, taken.id) == {"lab.ipynb": b"{}"}


def test_a_folder_that_is_left_out_is_one_line(place: Place) -> None:
    files = {f".git/objects/{n}": b"x" for n in range(300)}
    files |= {f"w{n}/.ipynb_checkpoints/a.ipynb": b"x" for n in range(300)}
    taken = take(place, files | {"lab.ipynb": b"{}"})
    assert taken.left_out[0].path == ".git"
    assert len(taken.left_out) + taken.left_out_more == 301
    assert len(taken.left_out) == intake.MOST_LEFT_OUT


def test_a_link_named_as_a_later_files_folder_leads_nowhere(place: Place) -> None:
    taken = take_tar(place, tar({"way/passwd": b"x"}, [special("way", tarfile.SYMTYPE, "/etc")]))
    assert files_of(place, taken.id) == {"way/passwd": b"x"}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/etc/cron.d/x", "/etc/cron.d/x has a path from the root of a disk"),
        ("../../x", ".. in a path leads out"),
        ("a/../../x", ".. in a path leads out"),
        ("a/b\nc", "b\\nc is a name with control characters"),
        ("a\x1b[2Jb", "control characters"),
        ("a\\..\\b", "a name with a backslash"),
        ("data/big.csv", "data/big.csv is in a folder data"),
        ("DATA", "DATA is in a folder data"),
        ("a/.GIT/config", ".GIT is a name that git keeps for itself"),
        ("git~1/x", "git~1 is a name that git keeps"),
        (".git ", "that git keeps"),
        (".git./x", "that git keeps"),
        (".git::$INDEX_ALLOCATION", "that git keeps"),
        (".g\u200cit/config", "that git keeps"),
        ("\uff0egit/x", "that git keeps"),
        (".GitModules", "that git keeps"),
        ("lab\u202egnp.exe", "characters that nobody can see"),
        ("lab\u200b.ipynb", "characters that nobody can see"),
        ("x" * 256, "is a name of more than 255 bytes"),
        ("x" * 10_000, "has a path of more than 1000 bytes"),
        ("d/" * 33 + "x", "lies more than 32 folders deep"),
        ("a/" * 5000 + "x", "has a path of more than 1000 bytes"),
        ("bad\udcff", "bad\\udcff has a name that is not UTF-8"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(place: Place, path: str, says: str) -> None:
    said = refusal(place, header("ok") + header(path) + END)
    assert says in said
    assert len(said) < 500
    assert said.isprintable()


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("Lab.ipynb", "lab.ipynb", "differs from another name only in capitals"),
        ("Week/a", "week/b", "week/b differs"),
        ("\u00fcbung", "u\u0308bung", "differs"),
        ("stra\u00dfe", "strasse", "differs"),
        ("\ufb01le", "file", "differs"),
        ("a\u200db", "ab", "differs"),
        ("a", "a", "a comes twice"),
        ("a", "./a", "comes twice"),
        ("a", "a/b", "a is both a file and a folder"),
        ("a/b", "a", "a is both a file and a folder"),
    ],
)
def test_twins_are_refused(place: Place, one: str, other: str, says: str) -> None:
    assert says in refusal(place, header(one) + header(other) + END)


def test_names_that_only_look_odd_are_taken(place: Place) -> None:
    files = {'a "b" c': b"1", "-rf": b"2", "*": b"3", ":(top)x": b"4", "data-1/x": b"6",
             "\u0645\u200c\u0645.md": b"5", "x/data/y": b"7",
             "\U0001f468\u200d\U0001f469.md": b"8"}  # fmt: skip
    taken = take(place, files)
    assert files_of(place, taken.id) == files


SMALL = Limits(files=3, file_bytes=1000, all_bytes=2500, entries=50, stream_bytes=30_000)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tar({f"f{n}": b"" for n in range(4)}), "more than 3 files in it: f3 is one too many"),
        (tar({"big.csv": bytes(1001)}), "big.csv has more than 0 MB"),
        (tar({f"f{n}": bytes(900) for n in range(3)}), "altogether: f2 is too much"),
        (tar({}, [special(f"d{n}", tarfile.DIRTYPE) for n in range(60)]), "more than 50 entries"),
        (tar({f".git/{n}": bytes(900) for n in range(40)}), "too large altogether"),
        (tar({}), "There is no file in it"),
        (tar({}, [special("a", tarfile.SYMTYPE, "b")]), "There is no file in it"),
    ],
)
def test_what_is_too_much_is_refused(place: Place, data: bytes, says: str) -> None:
    assert says in refusal(place, data, SMALL)


def test_a_hundred_thousand_files_are_refused_at_the_first_too_many(place: Place) -> None:
    sent = 0

    def read(most: int) -> bytes:
        nonlocal sent
        sent += 1
        return header(f"f{sent}", 0)

    with pytest.raises(CarrelError, match="more than 20,000 files"):
        take_stream(place, read, Limits())
    assert sent == 20_001
    assert list(place.intakes.iterdir()) == []


def test_a_sender_that_never_stops_is_stopped(place: Place) -> None:
    folders = endless(b"", header("d/", 0, tarfile.DIRTYPE))
    with pytest.raises(CarrelError, match="more than 5,000 entries"):
        take_stream(place, folders, Limits(entries=5000))
    headers = endless(b"", header("x", 0, x="y" * 3000)[:-512])
    with pytest.raises(CarrelError, match="too large altogether"):
        take_stream(place, headers, Limits(stream_bytes=10 * MIB))


def test_a_claim_is_refused_before_it_is_read(place: Place) -> None:
    data = header("big", 101 * MIB)  # and nothing follows
    assert "big has more than 100 MB" in refusal(place, data)
    absurd = header("big", 8**11 - 1)
    assert "big has more than 100 MB" in refusal(place, absurd)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tar({"a": b"x" * 2000})[:1024], "breaks off"),
        (tar({"a": b"x"})[:1024], "breaks off"),  # whole files, but no end mark
        (b"", "breaks off"),
        (b"no tar at all" * 100, "is no tar archive"),
        (b"PK\3\4" + bytes(1000), "is no tar archive"),
        (header("a", 5000) + padded(b"short") + header("b") + END, "breaks off"),
        (header("a", 3) + padded(b"longer than it says" * 40) + END, "is no tar archive"),
        (header("a")[:-1] + b"x" + END, "is no tar archive"),
    ],
)
def test_a_stream_that_lies_or_breaks_off_leaves_nothing(
    place: Place, data: bytes, says: str
) -> None:
    assert says in refusal(place, data)


def _pax(data: bytes, size: int | None = None) -> bytes:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(data) if size is None else size
    return info.tobuf(tarfile.GNU_FORMAT) + padded(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_pax(b"", 8 * 2**30), "a header that is too large"),
        (_pax(b"9" * 5000), "a header that cannot be read"),
        (_pax(b"10 path=x"), "cannot be read"),
        (_pax(b"999999 path=x\n"), "cannot be read"),
        (_pax(b"6 path=\n"), "cannot be read"),
        (_pax(b"0 =\n"), "cannot be read"),
        (_pax(b"11 size=-1\n") + header("a"), "a is not as long as it says"),
        (_pax(b"22 size=99999999999999\n") + header("a"), "breaks off|more than 100 MB|cannot"),
        (_pax(b"16 path=../../x\n") + header("a"), "leads out"),
        (_pax(b"14 path=a\0b/c\n") + header("a"), "control characters"),
    ],
)
def test_an_extended_header_is_no_way_around(place: Place, data: bytes, says: str) -> None:
    import re

    assert re.search(says, refusal(place, data + END))


def test_one_name_for_all_files_is_refused(place: Place) -> None:
    info = tarfile.TarInfo("g")
    record = b"12 path=abc\n"
    info.type, info.size = tarfile.XGLTYPE, len(record)
    data = info.tobuf(tarfile.USTAR_FORMAT) + padded(record) + header("a") + END
    assert "one name or size to all" in refusal(place, data)


def _sparse(path: str, real: int, segments: list[tuple[int, int]], data: bytes) -> bytes:
    numbers = [len(segments), *(n for one in segments for n in one)]
    map_ = padded("".join(f"{n}\n" for n in numbers).encode())
    head = header(
        path, len(map_) + len(data), GNU__sparse__major="1", GNU__sparse__minor="0",
        GNU__sparse__name=path, GNU__sparse__realsize=str(real),
    )  # fmt: skip
    return head + map_ + padded(data)


def test_holes_become_zeros(place: Place) -> None:
    data = (
        _sparse("a.bin", 10_000, [(0, 3), (5000, 4), (10_000, 0)], b"oneFOUR") + header("b") + END
    )
    taken = take_tar(place, data)
    assert files_of(place, taken.id)["a.bin"] == b"one" + bytes(4997) + b"FOUR" + bytes(4996)
    assert taken.size == 10_000


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_sparse("a", 10**13, [(0, 1)], b"x"), "a has more than 100 MB"),
        (_sparse("a", 100, [(50, 10), (20, 10)], bytes(20)), "not as long"),
        (_sparse("a", 100, [(0, 101)], bytes(101)), "not as long"),
        (_sparse("a", 100, [(0, 10)], bytes(20)), "not as long"),
        (_sparse("a", 100, [(0, 2000)], bytes(100)), "not as long"),
        (header("a", 512, GNU__sparse__major="1", GNU__sparse__minor="0",
                GNU__sparse__realsize="9") + padded(b"9" * 40), "not as long"),
        (header("a", 512, GNU__sparse__major="1", GNU__sparse__minor="0",
                GNU__sparse__realsize="9") + padded(b"60000\n" + b"0\n" * 60), "too many holes"),
        (header("a", 0, GNU__sparse__size="9", GNU__sparse__map="0,1"), "an old form"),
        (header("a", 0, tarfile.GNUTYPE_SPARSE), "an old form"),
    ],
)  # fmt: skip
def test_holes_that_lie_are_refused(place: Place, data: bytes, says: str) -> None:
    assert says in refusal(place, data + END)


def test_the_sum_counts_holes_in_full(place: Place) -> None:
    data = b"".join(_sparse(f"h{n}", 99 * MIB, [], b"") for n in range(11)) + END
    assert "more than 1,024 MB altogether: h10" in refusal(place, data)


def test_a_hundred_megabytes_are_not_held_in_memory(place: Place) -> None:
    tracemalloc.start()
    block = bytes(range(256)) * 4096
    stream = endless(header("big.bin", 99 * MIB), block)
    sent = 0

    def read(most: int) -> bytes:
        nonlocal sent
        whole = len(header("big.bin", 99 * MIB)) + 99 * MIB
        piece = stream(min(most, whole - sent)) if sent < whole else END[:most]
        sent += len(piece)
        return piece

    taken = take_stream(place, read, Limits())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken.size == 99 * MIB
    assert peak < 8 * MIB


def test_a_sender_that_fails_leaves_nothing(place: Place) -> None:
    def read(most: int) -> bytes:
        raise CarrelError(Code.UNAVAILABLE, "The session is gone.")

    with pytest.raises(CarrelError, match="session is gone"):
        take_stream(place, read, Limits())
    assert list(place.intakes.iterdir()) == []


def test_an_intake_ends_with_its_time(place: Place) -> None:
    stream = endless(header("big.bin", 99 * MIB), b"x")
    with pytest.raises(CarrelError, match="took too long") as caught:
        take_stream(place, stream, Limits(time_s=0.2))
    assert caught.value.code is Code.UNAVAILABLE
    assert list(place.intakes.iterdir()) == []


def test_a_folder_around_all_is_taken_off(place: Place) -> None:
    taken = take(place, {"home/labs/a": b"1", "home/labs/b/c": b"2"}, strip="home/labs")
    assert files_of(place, taken.id) == {"a": b"1", "b/c": b"2"}
    intake.discard(place, taken.id)
    said = refusal(place, tar({"home/labs/a": b"1", "home/other": b"2"}), strip="home/labs")
    assert "home/other is not in the folder that is published" in said


def _published(place: Place, files: dict[str, bytes]) -> str:
    """Files on main."""
    taken = take(place, files)
    mine, course = intake.of(place, taken.id), repository.ensure(place.repository)
    for path in (mine.path / "objects" / "pack").iterdir():
        path.rename(course.path / "objects" / "pack" / path.name)
    commit = course.commit(mine.tree_of(taken.commit), [], "first", Made("tess", NOW))
    assert course.move(MAIN, commit, NOTHING)
    intake.discard(place, taken.id)
    return commit


def test_what_is_added_leaves_the_rest_as_it_is(place: Place) -> None:
    base = _published(place, {"a": b"1", "week2/b": b"2"})
    taken = take(place, {"b": b"new", "c": b"3"}, way=Way.ADD, into="./week2/")
    assert files_of(place, taken.id) == {"a": b"1", "week2/b": b"new", "week2/c": b"3"}
    assert (taken.way, taken.base, taken.files) == (Way.ADD, base, 2)


def test_what_is_added_stays_in_its_folder(place: Place) -> None:
    for into in ("../x", "a/..", ".git", "data"):
        with pytest.raises(CarrelError):
            take(place, {"b": b"1"}, way=Way.ADD, into=into)


def test_what_is_added_is_no_twin_of_what_is_there(place: Place) -> None:
    _published(place, {"Lab.ipynb": b"1"})
    assert "lab.ipynb differs" in refusal(place, tar({"lab.ipynb": b"2"}), way=Way.ADD)


def test_an_unknown_intake_is_not_there(place: Place) -> None:
    for id_ in ("0" * 16, "../materials", "x", "", "0" * 16 + "\n"):
        with pytest.raises(CarrelError) as caught:
            intake.look(place, id_)
        assert caught.value.code is Code.NOT_FOUND


def test_an_intake_that_was_killed_before_its_end_is_not_there(place: Place) -> None:
    taken = take(place, {"a": b"1"})
    intake.of(place, taken.id).must("update-ref", "-d", intake.TAKEN)
    with pytest.raises(CarrelError) as caught:
        intake.look(place, taken.id)
    assert caught.value.code is Code.NOT_FOUND


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 3))
def test_any_bytes_are_entries_or_a_sentence(noise: bytes, where: int) -> None:
    data = bytearray(tar({"a": b"x" * 600, "b" * 150: b"y"}) + END)
    at = (0, 500, 1100, 2000)[where]
    data[at : at + len(noise)] = noise
    try:
        for member in tars.members(reading(bytes(data)), Limits()):
            assert sum(map(len, member.read())) == member.size
    except CarrelError as error:
        assert error.code is Code.BAD_INPUT


def test_what_node_archives_is_understood(place: Place, tmp_path: object) -> None:
    """The form that spawner.node.archive writes: pax, with long and odd names."""
    long = "/".join(["folder" * 10] * 5) + "/lab.ipynb"
    decomposed = unicodedata.normalize("NFD", "Übung.ipynb")
    data = tar(
        {f"home/{long}": b"1", f"home/{decomposed}": b"2"}, [special("home/", tarfile.DIRTYPE)]
    )
    taken: Intake = take_tar(place, data, strip="home")
    assert files_of(place, taken.id) == {long: b"1", decomposed: b"2"}
