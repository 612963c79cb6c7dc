"""Links to notebooks of a public git host, and Colab's first cells, in a real session.

The host stands in for the real one: real git behind https, in a network of its own, at an address
that no private network has. Sessions reach it as they reach the internet, and a session image of
the tests' own believes its certificate, as a site's own would.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect

from tests import git_host
from tests.conftest import ROOT, brought_up

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(600)]
NAMESPACE, OUTSIDE, INSIDE = "carrelgithost", "cargit0", "cargit1"
OURS, ADDRESS = "203.0.113.1", "203.0.113.2"  # documentation's: nobody has them
IMAGE = "carrel-tests/believes:1"
OPENED_MS = 120_000
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
FIRST_CELLS = (
    "try:\n    import google.colab\n    IN_COLAB = True\n"
    "except ImportError:\n    IN_COLAB = False\nIN_COLAB",
    "from google.colab import drive, files, output, userdata\ndrive.mount('/content/drive')",
    "%pip install --quiet protobuf google-auth",
    "import google.auth, google.protobuf, google.colab\nfrom google.protobuf import descriptor\n"
    "print(google.auth.__name__, google.protobuf.__name__, google.colab.__name__)",
    "try:\n    userdata.get('HF_TOKEN')\nexcept userdata.SecretNotFoundError as error:\n"
    "    print('no secret:', error)",
    "%cd /content\n!mkdir -p data && echo 1,2 > data/a.csv && ls /content/data\n"
    "print(open('/content/data/a.csv').read())",
    "files.download('/content/data/a.csv')",
    "uploaded = files.upload()\nprint('uploaded', len(uploaded))",
    "print('before')\noutput.clear()\nprint('after')",
)


def notebook(*sources: str) -> str:
    cells = [
        {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "outputs": [],
         "execution_count": None, "source": source}
        for n, source in enumerate(sources)
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5})


def ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)


@contextlib.contextmanager
def own_network():
    """A network namespace that this one leads to: an address of this host would not be outside."""
    ip("netns", "delete", NAMESPACE, check=False)
    ip("link", "delete", OUTSIDE, check=False)
    ip("netns", "add", NAMESPACE)
    try:
        ip("link", "add", OUTSIDE, "type", "veth", "peer", "name", INSIDE)
        ip("link", "set", INSIDE, "netns", NAMESPACE)
        ip("address", "add", f"{OURS}/30", "dev", OUTSIDE)
        ip("link", "set", OUTSIDE, "up")
        ip("-n", NAMESPACE, "address", "add", f"{ADDRESS}/30", "dev", INSIDE)
        ip("-n", NAMESPACE, "link", "set", INSIDE, "up")
        ip("-n", NAMESPACE, "route", "add", "default", "via", OURS)
        yield
    finally:
        ip("link", "delete", OUTSIDE, check=False)
        ip("netns", "delete", NAMESPACE)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The git host; gives its folder."""
    folder = tmp_path_factory.mktemp("githost")
    git_host.certify(folder, ADDRESS)
    labs = {"week 1/Lab.ipynb": notebook("x = 6 * 7", "x"), "Colab.ipynb": notebook(*FIRST_CELLS)}
    git_host.publish(folder, "uni/labs", labs)
    git_host.publish(folder, "uni/exams", {"Exam.ipynb": notebook("1")}, public=False)
    command = ["ip", "netns", "exec", NAMESPACE, sys.executable, "-m", "tests.git_host"]
    with own_network():
        process = subprocess.Popen([*command, str(folder), ADDRESS, "443"], cwd=ROOT)
        try:
            until = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError), socket.create_connection((ADDRESS, 443), 1):
                    break
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.1)
            yield folder
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def carrel(engine, installation, host, tmp_path_factory):
    """A Carrel whose `[github] host` it is."""
    base = json.loads((installation.data_dir / "etc/images.json").read_text())["base"]
    context = tmp_path_factory.mktemp("image")
    (context / "host.crt").write_bytes((host / "cert.pem").read_bytes())
    (context / "Dockerfile").write_text(
        f"FROM {base}\nCOPY host.crt /usr/local/share/ca-certificates/\n"
        "RUN update-ca-certificates\n"
    )
    engine.docker("build", "--tag", IMAGE, str(context))
    profile = {"slug": "own", "title": "Own", "image": IMAGE, "machine": "small"}
    extra = (
        ("CARREL_GITHUB__HOST", ADDRESS),
        ("CARREL_IMAGES__EXTRA", json.dumps([IMAGE])),
        ("CARREL_PROFILES", json.dumps([profile])),
        ("CARREL_NETWORK__SUBNET", "10.211.0.0/24"),
    )
    with brought_up(engine, "githost", 8067, extra) as found:
        yield found


@pytest.fixture(scope="module")
def gil(carrel):
    carrel.add_user("gil")
    return "gil"


@pytest.fixture
def someone(carrel, person):
    made = person()
    made.url = carrel.url
    return made


def click_elsewhere(page, address: str) -> None:
    """As on a page of another site: a README with the badge in it."""
    page.goto("about:blank")
    page.set_content(f'<a href="{address}">Open in Carrel</a>')
    page.get_by_role("link").click()


def see_notebook(page, name: str) -> None:
    page.wait_for_url(re.compile(rf"/user/gil/notebooks/.*{name}"), timeout=OPENED_MS)
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)


def test_a_link_opens_the_notebook_through_login_and_start(carrel, gil, someone):
    page = someone.page
    click_elsewhere(page, f"{carrel.url}/github/uni/labs/blob/main/week%201/Lab.ipynb")
    page.get_by_label("User name").fill(gil)
    page.get_by_label("Password").fill(someone.password)
    page.get_by_role("button", name="Log in").click()
    page.locator("button.carrel-big").click()
    see_notebook(page, "Lab.ipynb")
    expect(page.locator(".jp-Notebook")).to_contain_text("x = 6 * 7")
    someone.shot("github-opened")
    container = carrel.session_container(gil)
    code, _ = carrel.inside(container, "test", "-f", "/content/github/uni/labs/week 1/Lab.ipynb")
    assert code == 0


def log_in_again(someone, name: str) -> None:
    someone.login(name)
    someone.page.wait_for_url(re.compile("/hub/(home|spawn)|/user/"))


def test_with_a_session_that_runs_it_opens_at_once_or_asks_where_it_is_new(carrel, gil, someone):
    log_in_again(someone, gil)
    page, labs = someone.page, f"{carrel.url}/github/uni/labs/blob/main"
    click_elsewhere(page, f"{labs}/week%201/Lab.ipynb")
    see_notebook(page, "Lab.ipynb")
    click_elsewhere(page, f"{labs}/Colab.ipynb")
    expect(page.get_by_role("main")).to_contain_text("uni/labs on 203.0.113.2")
    someone.shot("github-asks")
    page.get_by_role("button", name="Open the notebook").click()
    see_notebook(page, "Colab.ipynb")


@pytest.mark.parametrize(
    "link",
    ["labs/blob/nowhere/Colab.ipynb", "labs/blob/main/None.ipynb", "none/blob/main/Colab.ipynb",
     "exams/blob/main/Exam.ipynb"],
    ids=["branch", "notebook", "repository", "private"],
)  # fmt: skip
def test_what_is_not_there_or_not_public_is_said(carrel, gil, someone, link):
    log_in_again(someone, gil)
    page = someone.page
    page.goto(f"{carrel.url}/github/uni/{link}")
    expect(page.get_by_role("alert")).to_contain_text("203.0.113.2 has no such notebook.")
    expect(page.get_by_role("main")).to_contain_text("or its repository is not public")
    expect(page.get_by_role("link", name="JupyterLab")).to_be_visible()
    someone.shot("github-not-there")
    made = f"/content/github/uni/{link.split('/')[0]}/{link.rsplit('/', 1)[1]}"
    if "Colab" not in link or "none" in link:
        assert carrel.inside(carrel.session_container(gil), "test", "-e", made)[0] != 0


def test_colabs_first_cells_run_in_a_session(carrel, gil):
    container = carrel.session_container(gil)
    code, said = carrel.inside(
        container, "papermill", "--no-progress-bar", "-k", "python3",
        "/content/github/uni/labs/Colab.ipynb", "/tmp/out.ipynb",
    )  # fmt: skip
    assert code == 0, said
    made = json.loads(carrel.inside(container, "cat", "/tmp/out.ipynb")[1])
    texts = [json.dumps(cell["outputs"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    in_colab, drive, _, libraries, secret, content, download, upload, cleared = texts
    assert "True" in in_colab
    assert "Google Drive is not connected to this session" in drive
    assert "google.auth google.protobuf google.colab" in libraries
    assert "no secret: " in secret and "HF_TOKEN" in secret
    assert "a.csv" in content and "1,2" in content
    assert "/user/gil/files/data/a.csv?download=1" in download
    assert "nobody sits before this notebook" in upload and "uploaded 0" in upload
    assert "after" in cleared
