"""The demo's people: made once, and nobody logs in as them without a password anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import (
    accounts,
    courses,
    demo,
    demo_drive,
    demo_materials,
    invitations,
    people,
    wiring,
)
from hub.audit import By
from hub.cli import demo as verb
from hub.cli import site, up
from hub.drive_knobs import CLIENT_SECRET
from hub.enums import DriveScope, Role
from hub.materials import places, versions
from hub.people import Search
from hub.powers import Actor
from hub.settings import Settings, load
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW
from tests.hub.real_hub.running import Hub


def test_the_people_are_made_once(store: Store, by: By) -> None:
    assert store.decide(demo.populate, by) == len(demo.PEOPLE)
    assert store.decide(demo.populate, by) == 0
    teacher = Actor("teacher", Role.TEACHER)
    found = store.read(people.find, teacher, Search(), NOW)
    assert {person.name for person in found.people} == {f"student{n}" for n in range(1, 31)}
    (one,) = store.read(courses.listed, teacher)
    assert (one.course.slug, one.students) == (demo.COURSE, 2)
    (link,) = store.read(invitations.of_actor, teacher)
    assert link.most_uses == 30
    assert all(store.read(accounts.require, p.name).password_hash is None for p in demo.PEOPLE)


def test_the_course_has_two_versions_and_gets_none_the_second_time(
    store: Store, by: By, tmp_path: Path
) -> None:
    store.decide(demo.populate, by)
    place = places.of(tmp_path, demo.COURSE)
    place.intakes.mkdir(parents=True)
    place.shared.mkdir()
    assert demo_materials.publish(store, place, by) == 2
    assert demo_materials.publish(store, place, by) == 0
    newest = store.read(versions.newest, demo.COURSE)
    assert newest is not None
    assert (newest.number, newest.message, newest.files) == (2, demo_materials.SECOND, 3)


def test_a_course_without_a_folder_is_told(
    store: Store, by: By, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.decide(demo.populate, by)
    monkeypatch.setattr(demo_materials, "FOLDER_WITHIN_S", 0.0)
    with pytest.raises(CarrelError, match="was not made"):
        demo_materials.publish(store, places.of(tmp_path, demo.COURSE), by)


def test_three_students_have_a_button_and_the_rest_of_the_class_is_folded_away() -> None:
    shown = [person.full_name for person in demo.PEOPLE if not person.folded]
    assert shown == [
        "Demo Admin",
        "Demo Teacher",
        *(f"Demo Student {n}" for n in ("One", "Two", "Three")),
    ]
    folded = [person.full_name for person in demo.PEOPLE if person.folded]
    assert len(folded) == 27
    assert (folded[0], folded[-1]) == ("Demo Student Four", "Demo Student Thirty")
    assert folded[16:18] == ["Demo Student Twenty", "Demo Student Twenty-one"]


def test_elsewhere_there_is_no_such_login(hub: Hub, by: By) -> None:
    hub.store.decide(demo.populate, by)
    browser = hub.browser()
    answer = browser.session.post(f"{hub.url}/hub/demo", data={"name": "admin"}, timeout=30)
    assert answer.status_code in (403, 404)
    assert browser.me() is None
    assert "/hub/demo" not in browser.get("/hub/login").text


@pytest.mark.parametrize(
    "text",
    [
        'demo = true\n[server]\nbind = "0.0.0.0"\n',
        'demo = true\n[server]\npublic_url = "https://carrel.example.org"\n',
    ],
)
def test_a_demo_that_others_could_reach_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "carrel.toml").write_text(text)
    with pytest.raises(CarrelError) as caught:
        load(tmp_path / "carrel.toml", {})
    assert "anybody logs in as anybody" in caught.value.message


def test_the_demo_is_beside_the_living_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    living = Settings(data_dir=Path("/srv/carrel"))
    environ = {
        "CARREL_DATA_DIR": "/srv/carrel",
        "CARREL_SERVER__PORT": "80",
        "CARREL_DRIVE__API_URL": "https://www.googleapis.com/",
        "CARREL_DRIVE__SCOPE": "read_only",
        "PATH": "/bin",
    }
    verb.own_environment(environ, living, 8123)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    own = load(Path("/nowhere"))
    assert own.demo is True
    assert (own.data_dir, own.server.port) == (Path("/srv/carrel-demo"), 8123)
    assert own.project != living.project
    assert own.network.subnet != living.network.subnet
    assert own.drive.api_url == own.drive.token_url.removesuffix("token") == demo_drive.URL
    assert own.drive.auth_url.startswith(demo_drive.PREFIX)
    # Sidecars know no names of ours.
    assert own.drive.for_sidecars == f"http://{own.network.emulator_address}:{demo_drive.PORT}/"
    assert own.drive.scope is DriveScope.FULL


def test_the_demos_hub_knows_its_drive_and_an_earlier_secret_is_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    verb._know_the_drive(settings)
    secret = tmp_path / "secrets" / CLIENT_SECRET
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (demo_drive.SECRET, 0o400)
    before = secret.stat()
    verb._know_the_drive(settings)
    assert secret.stat().st_ino == before.st_ino
    site.require_demo(tmp_path)  # a first `demo` that was killed before it wrote its settings


def test_the_demos_drive_is_behind_its_own_address_and_no_other_carrels(tmp_path: Path) -> None:
    for settings, wanted in (
        (Settings(data_dir=tmp_path, demo=True), {demo_drive.PREFIX: "http://drive-emulator:8095"}),
        (Settings(data_dir=tmp_path), {}),
    ):
        found = wiring.extra_routes(settings)
        assert {key: url for key, url in found.items() if "demo" in key} == wanted
        assert "/c/" in found


@pytest.mark.parametrize(
    "files",
    [
        {"etc/settings.json": '{"demo": false}'},
        {"etc/settings.json": "not json"},
        {"homes/mia/thesis.ipynb": "{}"},
        {"etc/settings.json": '{"demo": "yes"}', "db/carrel.sqlite": ""},
    ],
)
def test_a_folder_that_is_no_demo_is_not_touched(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    if files == {"etc/settings.json": "not json"}:
        (tmp_path / "db").mkdir()
    with pytest.raises(CarrelError) as caught:
        site.require_demo(tmp_path)
    assert caught.value.code is Code.BAD_INPUT


def test_an_empty_folder_or_a_demo_is_taken(tmp_path: Path) -> None:
    site.require_demo(tmp_path / "absent")
    site.require_demo(tmp_path)
    (tmp_path / "logs").mkdir()
    site.require_demo(tmp_path)  # an `up` that was killed early
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "settings.json").write_text('{"demo": true}')
    site.require_demo(tmp_path)


def test_a_living_installation_becomes_no_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "settings.json").write_text('{"demo": false}')
    monkeypatch.setenv("CARREL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CARREL_DEMO", "true")
    monkeypatch.setenv("CARREL_PROJECT", "nosuch")
    with pytest.raises(CarrelError) as caught:
        up.up(up.Options(install=False))
    assert "is no demo" in caught.value.message


def test_an_earlier_lan_opens_no_demo_to_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_DATA_DIR", str(tmp_path))
    site.remember_lan(site.settings(), True)
    assert site.settings().server.bind == "0.0.0.0"
    monkeypatch.setenv("CARREL_DEMO", "true")
    assert site.settings().server.bind == "127.0.0.1"
