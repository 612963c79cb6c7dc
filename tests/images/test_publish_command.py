"""``carrel publish`` and its page only ask the hub; a teacher confirms in the browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.images.session_server import HUB_TOKEN, SKEL, Answer, Session, StandIn, stand_in

pytestmark = pytest.mark.process

COURSES = "/hub/api/carrel/courses?role=teacher"
ASK = "/hub/api/carrel/courses/ml/publish"
PREVIEW = "https://carrel.example.org/services/carrel/courses/ml/preview/7"
ML = {"slug": "ml", "title": "Machine <learning>"}
NLP = {"slug": "nlp", "title": "Language"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "content/lessons/week1").mkdir(parents=True)
    (tmp_path / "content/lessons/one.ipynb").write_text("{}")
    return tmp_path / "content"


def publish(home: Path, hub: StandIn, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As the image's launcher, in the folder ``lessons``, where a file has the name of a module."""
    (home / "lessons/json.py").write_text("raise SystemExit('the wrong json')")
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(SKEL / "lib"), "CARREL_HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1", "JUPYTERHUB_API_URL": hub.url + "/hub/api",
        "JUPYTERHUB_API_TOKEN": HUB_TOKEN,
    }  # fmt: skip
    launcher = (
        (SKEL / "bin/carrel").read_text().replace("/opt/carrel/venv/bin/python", sys.executable)
    )
    return subprocess.run(["sh", "-c", launcher, "carrel", "publish", *arguments],
                          cwd=home / "lessons", env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip


@pytest.mark.parametrize(
    ("named", "place"),
    [(".", "lessons"), ("week1/", "lessons/week1"), ("../lessons/one.ipynb", "lessons/one.ipynb")],
)
def test_the_hub_is_asked_for_a_folder_and_names_the_page_to_confirm_on(
    home: Path, named: str, place: str
) -> None:
    with stand_in() as hub:
        hub.json(COURSES, {"courses": [ML]})
        hub.json(ASK, {"preview": PREVIEW})
        done = publish(home, hub, named, "--message", "Week 1")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"\n{PREVIEW}\n") and "Nothing is published yet" in done.stdout
        assert hub.bodies(ASK) == [{"path": place, "message": "Week 1"}]
        assert hub.asked[-1][2]["Authorization"] == f"token {HUB_TOKEN}"


def test_who_teaches_several_says_which(home: Path) -> None:
    with stand_in() as hub:
        hub.json(COURSES, {"courses": [ML, NLP]})
        hub.json(ASK, {"preview": PREVIEW})
        done = publish(home, hub, ".")
        assert (done.returncode, done.stdout) == (2, "") and "one of: ml, nlp" in done.stderr
        assert publish(home, hub, ".", "--course", "ml").returncode == 0
        done = publish(home, hub, ".", "--course", "db")
        assert done.returncode == 2 and "You teach no course 'db'." in done.stderr
        hub.json(COURSES, {"courses": []})
        assert publish(home, hub, ".").returncode == 2
        assert len(hub.bodies(ASK)) == 1


def test_what_cannot_be_published_asks_nobody(home: Path) -> None:
    (home / "out").symlink_to("/etc")
    (home / "a.txt").write_text("x")
    with stand_in() as hub:
        for named in ("..", "/etc", "../out", "none", "../a.txt"):
            done = publish(home, hub, named)
            assert done.returncode == 2 and done.stderr.startswith("carrel: "), named
            assert "Traceback" not in done.stderr
        assert not hub.asked


def test_a_hub_that_says_no_or_nothing_is_told(home: Path) -> None:
    with stand_in() as hub:
        hub.json(COURSES, {"courses": [ML]})
        hub.json(ASK, {"message": "Too many files.", "hint": "At most 20,000."}, 400)
        done = publish(home, hub, ".")
        assert done.returncode == 2 and "carrel: Too many files. At most 20,000." in done.stderr
        hub.json(ASK, {"preview": "javascript:alert(1)"})
        assert publish(home, hub, ".").returncode == 1
        hub.answers[ASK] = Answer(302, headers={"Location": hub.url + "/elsewhere"})
        assert publish(home, hub, ".").returncode == 1, "the token goes nowhere else"
        assert not [path for _, path, _, _ in hub.asked if path == "/elsewhere"]
    assert "The hub does not answer" in publish(home, hub, ".").stderr


@pytest.mark.session
def test_the_page_picks_a_folder_and_asks_the_same(session: Session) -> None:
    (session.home / "lessons/week1").mkdir(parents=True)
    (session.home / "lessons/a<b>").mkdir()
    (session.home / ".hidden").mkdir()
    session.hub.json(COURSES, {"courses": [ML]})
    session.hub.json(ASK, {"preview": PREVIEW})
    status, _, text = session.get("carrel/publish")
    assert status == 200 and "?path=lessons&amp;" in text and ".hidden" not in text
    text = session.get("carrel/publish?path=lessons")[2]
    assert "Folder: lessons" in text and "a&lt;b&gt;/" in text and "<b>" not in text
    assert "Machine &lt;learning&gt; (ml)" in text
    body = urlencode({"path": "lessons/week1", "course": "ml", "message": "x"}).encode()
    status, _, text = session.request("POST", "carrel/publish", body, {})
    assert status == 200 and f'href="{PREVIEW}"' in text
    assert "<strong>lessons/week1</strong> is being read. Nothing is published yet" in text
    assert session.hub.bodies(ASK) == [{"path": "lessons/week1", "message": "x"}]


@pytest.mark.session
@pytest.mark.parametrize("path", ["../..", "/etc", "none", "out"])
def test_the_page_shows_nothing_outside_the_home(session: Session, path: str) -> None:
    (session.home / "out").symlink_to("/etc")
    session.hub.json(COURSES, {"courses": [ML]})
    status, _, text = session.get(f"carrel/publish?path={path}")
    assert status == 404 and "There is no such folder." in text and "cron" not in text
    body = urlencode({"path": path, "course": "ml"}).encode()
    assert session.request("POST", "carrel/publish", body, {})[0] in (400, 404)
    assert not session.hub.bodies(ASK)


@pytest.mark.session
def test_the_page_says_what_the_hub_says(session: Session) -> None:
    (session.home / "lessons").mkdir()
    session.hub.json(COURSES, {"courses": []})
    assert "You teach no course." in session.get("carrel/publish")[2]
    session.hub.json(COURSES, {"courses": [ML]})
    session.hub.json(ASK, {"message": "No <room>."}, 400)
    long = "kept" * 250
    body = urlencode({"path": "lessons", "course": "ml", "message": long}).encode()
    status, _, text = session.request("POST", "carrel/publish", body, {})
    assert status == 400 and "No &lt;room&gt;." in text and f'value="{long}"' in text
    assert session.hub.bodies(ASK)[0]["message"] == long and 'maxlength="1000"' in text
    session.hub.json(COURSES, {"courses": [ML, NLP]})
    body = urlencode({"path": "lessons"}).encode()
    status, _, text = session.request("POST", "carrel/publish", body, {})
    assert status == 400 and "Which course? You teach: ml, nlp." in text and "--course" not in text
    session.hub.answers.clear()
    assert session.get("carrel/publish")[0] in (404, 500)


def test_the_launcher_is_sound_shell() -> None:
    done = subprocess.run(["shellcheck", SKEL / "bin/carrel"], capture_output=True, check=False)
    assert done.returncode == 0 and os.access(SKEL / "bin/carrel", os.X_OK)
