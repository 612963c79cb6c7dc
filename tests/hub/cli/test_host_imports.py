"""The host's environment lacks the hub's libraries; the command line must come up without them."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = "; ".join(
    f"sys.modules[{name!r}] = None"
    for name in ("sqlalchemy", "alembic", "argon2", "psycopg", "jupyterhub", "tornado")
)


@pytest.mark.parametrize(
    "verb", ["user", "session", "token", "admin-link", "sign-on", "drive", "doctor"]
)
def test_verbs_on_people_can_be_asked_for_help_on_the_host(verb: str) -> None:
    script = f"import sys; {WITHOUT}; from hub.cli.app import app; app(['{verb}', '--help'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
