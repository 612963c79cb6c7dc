"""The demo comes up beside a living Carrel, lets anybody in by one click, and is thrown away."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import requests

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
PORT = "8101"
URL = f"http://127.0.0.1:{PORT}"


def _log_in(name: str) -> requests.Session:
    http = requests.Session()
    http.trust_env = False
    page = http.get(f"{URL}/hub/login", timeout=30).text
    assert "This is a demo." in page
    xsrf = re.search(r'name="_xsrf"\s+value="([^"]*)"', page)[1]
    answer = http.post(f"{URL}/hub/demo", data={"_xsrf": xsrf, "name": name}, timeout=60)
    assert answer.status_code == 200, answer.text
    return http


def test_the_demo_lives_beside_and_is_started_over(installation):
    installation.add_user("lasting")
    living = installation.carrel("status", "--json").stdout
    folder = Path(f"{installation.data_dir}-demo")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        said = installation.carrel("demo", "--port", PORT)
        assert URL in said.stdout + said.stderr
        assert "/hub/invitation#" not in said.stdout + said.stderr, "nobody needs a setup link"
        teacher = _log_in("teacher")
        page = teacher.get(f"{URL}/services/carrel/people", timeout=30).text
        assert "Demo Student Two" in page and "This is a demo." in page
        assert "lasting" not in page
        course = teacher.get(f"{URL}/services/carrel/courses/first-steps/materials", timeout=30)
        assert "A question more at the end of lab 1" in course.text
        kept = folder / "homes" / "left-behind"
        kept.mkdir()

        again = installation.carrel("demo", "--port", PORT)
        assert kept.exists(), "again changes nothing"
        assert "people of the demo were made" not in again.stderr

        installation.carrel("demo", "--reset", "--port", PORT)
        assert not kept.exists()
        _log_in("student1")
    finally:
        installation.carrel("demo", "--down", "--port", PORT)
        shutil.rmtree(folder, ignore_errors=True)
    assert (
        json.loads(installation.carrel("status", "--json").stdout)["processes"]
        == (json.loads(living)["processes"])
    ), "the living Carrel noticed nothing"
    assert '"lasting"' in installation.carrel("user", "list", "--json").stdout
