"""What is known of Drive, kept without looking at all of it for each folder."""

from __future__ import annotations

from drivesync.listing import below
from drivesync.model import Kind, RemoteFile

from tests.drivesync.engine.test_edits import equal


def folder(id_: str, parent: str) -> RemoteFile:
    return RemoteFile(id_, parent, id_, Kind.FOLDER, "e")


def test_folders_that_are_said_to_be_in_each_other_come_to_an_end() -> None:
    remote = {"a": folder("a", "b"), "b": folder("b", "a"), "c": folder("c", "c")}
    assert below(remote, "a") == ["a", "b"] and below(remote, "c") == ["c"]


class Counted(dict[str, RemoteFile]):
    looks = 0

    def values(self):
        self.looks += 1
        return super().values()


def test_all_that_is_known_is_looked_at_once_however_many_folders_are_in_it() -> None:
    remote = Counted({f"{n}": folder(f"{n}", f"{n - 1}") for n in range(1, 4000)})
    assert len(below(remote, "0")) == 4000 and remote.looks == 1


def test_a_folder_that_is_gone_for_good_takes_along_what_was_in_it() -> None:
    rig = equal("f/", "f/g/", "f/g/a", "b")
    for title in ("a", "g", "f"):
        del rig.remote.nodes[rig.id_of(title)]
    rig.remote.log.append(next(i for i, one in rig.state.remote.items() if one.title == "f"))
    rig.settle()
    assert rig.here() == {"b": b"b"}
