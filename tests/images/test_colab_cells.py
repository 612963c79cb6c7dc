"""First cells of Colab's notebooks, run unseen by papermill as a session's kernel runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.images.drive_sidecar import sidecar, tell
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
        JUPYTERHUB_PUBLIC_HUB_URL="https://carrel.example.org/hub/", JUPYTERHUB_BASE_URL="/",
    )  # fmt: skip
    assert "not connected to this session" in said[0]
    assert "on the page Drive, https://carrel.example.org/services/carrel/drive" in said[0]
    assert '<a href="/services/carrel/drive" target="_blank">Connect Google Drive</a>' in said[0]
    assert said[1] == "True\n" and "nothing to bring to Drive" in said[2]
    assert not (home / "drive").exists(), "what is written there would never reach Drive"


def test_drive_is_found_where_it_is_and_where_old_notebooks_look(home: Path) -> None:
    elsewhere = home.parent / "gdrive"
    with sidecar(home / "drive", home.parent / "there", brings={"a.csv": "1"}, step_s=0.3,
                 refused={"big.bin": "It is too big."}):  # fmt: skip
        said = run(
            home,
            f"from google.colab import drive\ndrive.mount('{home}/drive')\n"
            f"print(open('{home}/drive/MyDrive/a.csv').read())",
            f"drive.mount('{elsewhere}', force_remount=True)\n"
            f"print(open('{elsewhere}/MyDrive/a.csv').read())",
            f"import os\nos.mkdir('{home}/taken'); open('{home}/taken/x', 'w')\n"
            f"drive.mount('{home}/taken')",
            f"open('{home}/drive/MyDrive/b.csv', 'w').write('2')\ndrive.flush_and_unmount()\n"
            f"print(open('{home.parent}/there/b.csv').read())",
            f"drive.mount('{home}/drive', readonly=True)",
            f"open('{home}/drive/MyDrive/big.bin', 'w').write('2')\ndrive.flush_and_unmount()",
        )
    assert said[0] == f"Mounted at {home}/drive\n1\n", "it waited for the first sync"
    assert said[1] == f"Mounted at {elsewhere}\n1\n"
    assert "is taken, so use that path" in said[2]
    assert said[3] == "Everything is in Google Drive.\n2\n"
    assert "not read-only here" in said[4]
    assert "  big.bin: It is too big.\n" in said[5]


def test_a_mount_and_a_flush_end_and_say_what_is_missing(home: Path) -> None:
    drive, brings = home / "drive", {f"{n}.csv": "x" for n in range(100)}
    mount = f"from google.colab import drive\ndrive.mount('{drive}', timeout_ms=500)"
    with sidecar(drive, home.parent / "there", brings=brings, step_s=0.5):
        said = run(home, mount, "drive.flush_and_unmount(timeout_ms=500)")
    assert said[0].startswith(f"Mounted at {drive}\nNot all of the chosen folders is here yet.")
    assert "carrel-drive status" in said[0]
    assert said[1].startswith("Not everything is in Google Drive")
    tell(drive, state="paused", pause="reconnect", at=time.time() + 20)
    said = run(home, mount, "drive.flush_and_unmount()")
    assert said[0].startswith(f"Mounted at {drive}\nThe sync is paused. Google no longer accepts")
    assert "Press Reconnect" in said[1]


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


def test_a_library_of_googles_that_comes_later_is_found_at_once(home: Path) -> None:
    """As `%pip install` does: in a folder that had no ``google`` when this one was imported."""
    said = run(
        home,
        "import google.colab\nfrom google.colab import drive",
        f"import os, sys\nsys.path.append('{home}/site')\nimport google.colab",
        f"os.makedirs('{home}/site/google/later')\n"
        f"open('{home}/site/google/later/__init__.py', 'w').write('VALUE = 42')\n"
        "import google.later\nprint(google.later.VALUE)",
        "import pkgutil\nfound = {m.name for m in pkgutil.iter_modules(google.__path__)}\n"
        "print(sorted({'colab', 'later'} & found))",
    )
    assert said[2] == "42\n" and said[3] == "['colab', 'later']\n"
