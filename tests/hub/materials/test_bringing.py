"""Nothing unpublished is left in what sessions read, whatever a publish failed at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from hub.materials import bringing, intake, publishing, repairing
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.materials.repository import Repository
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.materials.test_publishing import files_of, main_of, objects_of, publish
from tests.hub.materials.trees import NOW, by, take


def lost(*_: object) -> bool:
    """As where somebody else moved main."""
    return False


def broken(*_: object) -> bool:
    raise CarrelError(Code.FAILED, "The disk is full.")


@pytest.mark.parametrize("how", [lost, broken])
@pytest.mark.parametrize("undone", [False, True])
def test_a_publish_that_fails_takes_back_what_it_brought(
    course: Store,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    how: Callable[..., bool],
    undone: bool,
) -> None:
    base = publish(course, place, {"a": b"1"}).commit
    taken, before = take(place, {"exam": b"the answers"}), objects_of(place)
    seen = []

    def move(self: Repository, *_: object) -> bool:
        seen.append(objects_of(place))
        return how()

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "move", move)
        with pytest.raises(CarrelError):
            if undone:
                publishing.undo(course, place, base, by())
            else:
                publishing.publish(course, place, Wanted(taken.id, base), by())
    assert seen[0] > before, "it was there"
    assert objects_of(place) == before
    assert [path.name for path in place.intakes.iterdir()] == [f"{taken.id}.git"]
    publishing.publish(course, place, Wanted(taken.id, base), by())
    assert files_of(place) == {"exam": b"the answers"}


def test_what_was_there_before_stays(
    course: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An intake with the same files comes as the pack that a version stands on already."""
    publish(course, place, {"a": b"1"})
    second = publish(course, place, {"a": b"2"}).commit
    again, before = take(place, {"a": b"1"}), objects_of(place)
    with monkeypatch.context() as patch:
        patch.setattr(Repository, "move", lost)
        with pytest.raises(CarrelError):
            publishing.publish(course, place, Wanted(again.id, second), by())
    assert objects_of(place) == before
    assert Repository(place.repository).ask("fsck", "--full").code == 0


def test_what_cannot_be_asked_removes_nothing(
    course: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that fails looks as one without a main would."""
    base = publish(course, place, {"a": b"1"}).commit
    taken = take(place, {"a": b"2"})
    mine = intake.of(place, taken.id)
    with bringing.turn(place) as course_:
        bringing.bring(place, mine, course_, taken.commit)
        brought = objects_of(place)
        head = place.repository / "HEAD"
        text = head.read_text()
        head.write_text("nothing that git knows")
        with pytest.raises(CarrelError):
            bringing.settle(place, course_)
        head.write_text(text)
    assert objects_of(place) == brought
    repairing.repair(course, place, NOW)
    assert objects_of(place) < brought
    assert main_of(place) == base


def test_one_changes_a_course_at_a_time_and_is_not_waited_for_forever(
    course: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "WAIT_S", 0.2)
    taken = take(place, {"a": b"1"})
    with bringing.turn(place):
        with pytest.raises(CarrelError, match="worked on right now") as caught:
            publishing.publish(course, place, Wanted(taken.id, None), by())
        assert caught.value.code is Code.UNAVAILABLE
        bringing.finish(place)  # does not wait at all
    publishing.publish(course, place, Wanted(taken.id, None), by())


def test_a_git_that_outlives_us_keeps_the_turn(course: Store, place: Place) -> None:
    """Else what it is about to publish would be taken away below it."""
    publish(course, place, {"a": b"1"})
    waiting = threading.Event()

    def go() -> None:
        with bringing.turn(place) as held:
            waiting.set()
            held.ask("-c", "alias.wait=!sleep 3 >/dev/null 2>&1 &", "wait")

    thread = threading.Thread(target=go)
    thread.start()
    waiting.wait()
    thread.join()
    with pytest.raises(CarrelError), bringing.turn(place, wait_s=0):
        pass
    began = time.monotonic()
    with bringing.turn(place, wait_s=10):
        assert time.monotonic() - began > 0.2
