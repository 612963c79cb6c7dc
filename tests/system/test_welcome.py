"""A new home has the Welcome notebook, and its cells run in a real session."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
WELCOME = "/content/Welcome.ipynb"


def test_the_welcome_notebook_runs_in_a_new_session_and_stays_as_it_is_left(installation):
    installation.add_user("wilma")
    container = installation.start_session("wilma")
    code, said = installation.inside(
        container, "papermill", "--no-progress-bar", "-k", "python3", WELCOME, "/tmp/out.ipynb"
    )
    assert code == 0, said
    _, made = installation.inside(container, "cat", "/tmp/out.ipynb")
    cells = [cell for cell in json.loads(made)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4, 5]
    text = json.dumps([cell["outputs"] for cell in cells])
    assert "You are in /content" in text and "Memory: 1 GiB" in text
    assert "It works. A big number in words: 1.3 billion" in text
    assert "Drive is not connected in this session." in text

    installation.inside(container, "sh", "-c", f"echo mine > {WELCOME}")
    installation.carrel("session", "stop", "wilma")
    container = installation.start_session("wilma")
    assert installation.inside(container, "cat", WELCOME) == (0, "mine\n")
    installation.carrel("session", "stop", "wilma")


def test_signals_reach_the_notebook_server(installation):
    """The entry is replaced by the server, so a stop is a clean one and not a kill."""
    installation.add_user("wolf")
    container = installation.start_session("wolf")
    _, processes = installation.inside(container, "ps", "-eo", "ppid,args")
    assert any(
        line.split()[0] == "1" and "jupyterhub-singleuser" in line
        for line in processes.splitlines()
    ), processes
    installation.carrel("session", "stop", "wolf")
