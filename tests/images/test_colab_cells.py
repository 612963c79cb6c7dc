"""First cells of Colab's notebooks, run unseen by papermill as a session's kernel runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.images.session_server import HUB_TOKEN, SKEL, StandIn, stand_in

pytestmark = pytest.mark.session


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = tmp_path / "content"
    found.mkdir()
    return found


@pytest.fixture
def hub() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


def run(home: Path, *cells: str, **environment: str) -> list[str]:
    """The text of each cell's output; the first error fails the test."""
    notebook = {
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [],
             "execution_count": None, "source": cell}
            for number, cell in enumerate(cells)
        ],
    }  # fmt: skip
    asked, done = home.parent / "asked.ipynb", home.parent / "done.ipynb"
    asked.write_text(json.dumps(notebook))
    more = {
        "HOME": str(home), "CARREL_HOME": str(home), "PYTHONPATH": str(SKEL / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1", "JUPYTERHUB_SERVICE_PREFIX": "/user/ann/", **environment,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    papermill = [sys.executable, "-m", "papermill", str(asked), str(done), "--no-progress-bar",
                 "--cwd", str(home), "-k", "python3"]  # fmt: skip
    ran = subprocess.run(papermill, env=more, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [_text(cell) for cell in json.loads(done.read_text())["cells"]]


def _text(cell: dict[str, Any]) -> str:
    found = []
    for output in cell["outputs"]:
        texts = [output.get("text"), *output.get("data", {}).values()]
        found += ["".join(text) for text in texts if isinstance(text, str | list)]
    return "\n".join(found)


def test_a_notebook_goes_on_without_drive(home: Path) -> None:
    said = run(
        home,
        "from google.colab import drive\ndrive.mount('/content/drive', force_remount=True)",
        "import sys\nIN_COLAB = 'google.colab' in sys.modules\nprint(IN_COLAB)",
        "drive.flush_and_unmount()",
    )
    assert "Google Drive is not connected" in said[0] and "Session page" in said[0]
    assert said[1] == "True\n"
    assert not (home / "drive").exists(), "what is written there would never reach Drive"


def test_drive_is_found_where_it_is_and_where_old_notebooks_look(home: Path) -> None:
    (home / "drive/MyDrive").mkdir(parents=True)
    (home / "drive/MyDrive/a.csv").write_text("1")
    elsewhere = home.parent / "gdrive"
    said = run(
        home,
        f"from google.colab import drive\ndrive.mount('{home}/drive')",
        f"drive.mount('{elsewhere}')\nprint(open('{elsewhere}/MyDrive/a.csv').read())",
        f"import os\nos.mkdir('{home}/taken'); open('{home}/taken/x', 'w')\n"
        f"drive.mount('{home}/taken')",
    )
    assert said[0] == f"Mounted at {home}/drive\n" and said[1].endswith("\n1\n")
    assert "is taken, so use that path" in said[2]


def test_uploads_wait_for_nobody_where_nobody_looks_on(home: Path) -> None:
    said = run(
        home,
        "from google.colab import files\nuploaded = files.upload()",
        "for fn in uploaded.keys():\n    print('User uploaded', fn)\nprint(len(uploaded))",
    )
    assert "nobody sits before this notebook" in said[0] and said[1] == "0\n"
    assert list(home.glob("upload-*")) == []


def test_a_download_is_a_link_to_the_file(home: Path) -> None:
    said = run(
        home,
        "from google.colab import files\nopen('a <b>.txt', 'w').write('x')\n"
        "files.download('a <b>.txt')",
        "files.view('a <b>.txt')",
        "files.download('/etc/hostname')",
        "try:\n    files.download('none')\nexcept FileNotFoundError as e:\n    print(e)",
    )
    assert 'href="/user/ann/files/a%20%3Cb%3E.txt?download=1"' in said[0]
    assert "Download a &lt;b&gt;.txt</a>" in said[0]
    assert 'href="/user/ann/lab/tree/a%20%3Cb%3E.txt"' in said[1]
    assert f"copy it into {home} first" in said[2] and said[3] == "Cannot find file: none\n"


def test_small_things_of_first_cells(home: Path) -> None:
    run(
        home,
        "from google.colab import auth\nauth.authenticate_user()",
        "from google.colab import output\noutput.clear()\noutput.enable_custom_widget_manager()",
        "try:\n    output.eval_js('1')\nexcept NotImplementedError as e:\n    print(e)",
        "from google.colab import data_table\ndata_table.enable_dataframe_formatter()\n"
        "data_table.DataTable([1])",
        "from google.colab import runtime\nruntime.unassign()",
        "with output.use_tags('x'):\n    print(1)",
        "from google.colab.patches import cv2_imshow",
        "import google.colab\ngoogle.colab.drive, google.colab.files, google.colab.userdata",
    )


def test_googles_other_libraries_are_found_beside_it(home: Path) -> None:
    said = run(
        home,
        "import google.auth, google.colab, google.oauth2.credentials\n"
        "print(google.auth.__file__, google.colab.__file__)\n"
        "from google.colab import auth\nfrom google.auth import default",
    )
    assert "site-packages/google/auth" in said[0] and "lib/google/colab" in said[0]
    assert not (SKEL / "lib/google/__init__.py").exists()


def test_a_secret_comes_from_the_hub_with_colabs_exceptions(home: Path, hub: StandIn) -> None:
    secrets = "/hub/api/carrel/secrets"
    asks = "?notebook="
    hub.json(f"{secrets}/HF_TOKEN{asks}", {"value": "hf_1"})
    page = "https://carrel.example/services/carrel/secrets"
    hub.json(f"{secrets}/NONE{asks}", {"secret": "NONE", "page": page}, 404)
    hub.json(f"{secrets}/OTHERS{asks}", {"message": "Press Allow.", "page": page}, 403)
    hub.json(f"{secrets}/OLD{asks}", {"message": "Another key."}, 503)
    said = run(
        home,
        "from google.colab import userdata\nprint(userdata.get('HF_TOKEN'))",
        "def why(key):\n    try:\n        userdata.get(key)\n"
        "    except Exception as e:\n        print(type(e).__name__, e)",
        "why('NONE')", "why('OTHERS')", "why('a/../b')", "why('OLD')",
        "try:\n    userdata.get('X')\nexcept userdata.SecretNotFoundError as e:\n    print(e)",
        JUPYTERHUB_API_URL=hub.url + "/hub/api", JUPYTERHUB_API_TOKEN=HUB_TOKEN,
    )  # fmt: skip
    assert said[0] == "hf_1\n"
    assert said[2] == f"SecretNotFoundError Secret NONE does not exist. Enter it here: {page}\n"
    assert said[3].startswith("NotebookAccessError Notebook does not have access to secret OTHERS")
    assert said[3].endswith(f"Press Allow. {page}\n")
    assert said[4].startswith("SecretsNotSetUpError") and "keeps no secrets" in said[6]
    assert said[5] == "SecretNotReadableError Secret OLD: Another key.\n"
    assert {headers["Authorization"] for _, _, headers, _ in hub.asked} == {f"token {HUB_TOKEN}"}
    assert hub.asked[3][1] == f"{secrets}/a%2F..%2Fb{asks}"


def test_without_a_hub_secrets_say_so(home: Path) -> None:
    said = run(
        home,
        "from google.colab import userdata\n"
        "try:\n    userdata.get('X')\nexcept userdata.SecretNotFoundError as e:\n    print(e)",
        JUPYTERHUB_API_URL="", JUPYTERHUB_API_TOKEN="",
    )  # fmt: skip
    assert "this Carrel keeps no secrets" in said[0]
