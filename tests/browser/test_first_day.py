"""The first day, in a real browser: setup link, login, start, a cell, packages, stop, start."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(900)]


def test_the_setup_link_makes_the_first_admin_once(installation, person):
    (link,) = re.findall(r"\S+/hub/invitation#\S+", installation.first_up)
    someone = person()
    someone.page.goto(link)
    expect(someone.page).to_have_url(re.compile(r"/hub/invitation$"))
    someone.shot("setup")
    someone.page.get_by_label("User name").fill("boss")
    someone.page.get_by_label("Password", exact=True).fill(installation.password)
    someone.page.get_by_label("Password, once more").fill(installation.password)
    someone.page.get_by_role("button", name="Create account").click()
    expect(someone.page.get_by_text("Start").first).to_be_visible()
    someone.page.goto(f"{installation.url}/services/carrel/admin")
    expect(someone.page.get_by_text("holds about")).to_be_visible()
    someone.shot("admin")

    other = person()
    other.page.goto(link)
    expect(other.page.get_by_role("alert")).to_contain_text("This invitation has been used.")
    expect(other.page.get_by_label("User name")).to_be_hidden()
    users = installation.carrel("user", "list", "--json").stdout
    assert '"boss"' in users


def test_a_student_logs_in_starts_works_stops_and_finds_the_file_again(installation, person):
    installation.add_user("ann")
    ann = person()
    ann.login("ann")
    ann.page.goto(f"{installation.url}/hub/spawn")
    ann.shot("start")
    expect(ann.page.get_by_role("heading", name="Welcome, ann")).to_be_visible()
    ann.page.locator("button.carrel-big").click()
    ann.page.wait_for_url("**/user/ann/notebooks/Welcome.ipynb", timeout=120_000)
    welcome = ann.page.locator(".jp-Notebook")
    expect(welcome.get_by_role("heading", name="Welcome to Carrel")).to_be_visible(timeout=60_000)
    expect(ann.page.locator(".jp-Toolbar").get_by_text("JupyterLab")).to_be_visible()
    ann.shot("welcome")
    ann.wait_for_lab()
    ann.new_notebook()
    assert "42" in ann.run("print(6 * 7)")
    assert "/content" in ann.run("import os; os.getcwd(), os.environ['HOME']")
    assert "uid=0(root)" in ann.run("!id")
    ann.shot("lab")
    said = ann.run("%pip install --quiet six && echo", timeout_ms=120_000)
    assert "error" not in said.lower()
    install = "!apt-get update -qq && apt-get install -y -qq cowsay >/dev/null"
    said = ann.run(f"{install}; /usr/games/cowsay hi", timeout_ms=180_000)
    assert "< hi >" in said
    ann.run("open('kept.txt', 'w').write('still here')")

    ann.page.goto(f"{installation.url}/hub/home")
    ann.shot("home")
    ann.page.get_by_role("button", name=re.compile("Stop")).click()
    expect(ann.page.locator("button.carrel-big, a.carrel-big").first).to_be_visible(timeout=60_000)
    assert installation.session_container("ann") == ""

    ann.start()
    ann.new_notebook()
    assert "still here" in ann.run("open('kept.txt').read()")
    code, _ = installation.inside(
        installation.session_container("ann"), "test", "-e", "/usr/games/cowsay"
    )
    assert code == 1, "what apt put into the container is gone with it"
    installation.carrel("session", "stop", "ann")


def test_the_terminal_works(installation, person):
    installation.add_user("terry")
    terry = person()
    terry.login("terry")
    terry.start()
    terry.page.locator('.jp-LauncherCard[title*="terminal" i]').first.click()
    terminal = terry.page.locator(".jp-Terminal")
    expect(terminal).to_be_visible()
    terry.page.wait_for_timeout(2000)
    terminal.click()
    terry.page.keyboard.type("python -c 'print(6*7)' > answer.txt; pwd >> answer.txt\n")
    container = installation.session_container("terry")
    for _ in range(50):
        code, said = installation.inside(container, "cat", "/content/answer.txt")
        if code == 0 and "/content" in said:
            break
        terry.page.wait_for_timeout(200)
    assert said.split() == ["42", "/content"]
    installation.carrel("session", "stop", "terry")


def test_plots_and_widgets_work_in_the_datascience_profile(installation, person):
    installation.add_user("dora")
    dora = person()
    dora.login("dora")
    dora.page.goto(f"{installation.url}/hub/spawn")
    dora.page.get_by_role("button", name=re.compile("Start.*Data science")).click()
    dora.shot("progress")
    dora.wait_for_lab()
    dora.new_notebook()
    imports = "import matplotlib.pyplot as p, numpy as n, pandas, sklearn, seaborn, scipy"
    dora.run(f"{imports}; p.plot(n.arange(3))", timeout_ms=180_000)
    expect(dora.page.locator(".jp-OutputArea-output img").first).to_be_visible()
    dora.run("import ipywidgets; ipywidgets.IntSlider(description='level')")
    expect(
        dora.page.locator(".widget-slider, .jupyter-widgets.widget-inline-hbox").first
    ).to_be_visible()
    dora.shot("widgets")
    installation.carrel("session", "stop", "dora")


def test_upload_and_download_work(installation, person, tmp_path):
    installation.add_user("uma")
    uma = person()
    uma.login("uma")
    uma.start()
    sent = tmp_path / "data.csv"
    sent.write_text("a,b\n1,2\n")
    with uma.page.expect_file_chooser() as chooser:
        uma.page.locator('jp-button[data-command="filebrowser:upload"], button[title^="Upload"], '
                         '[title^="Upload"]').first.click()  # fmt: skip
    chooser.value.set_files(str(sent))
    item = uma.page.locator(".jp-DirListing-item", has_text="data.csv")
    expect(item).to_be_visible()
    with uma.page.expect_download() as download:
        item.click(button="right")
        uma.page.get_by_role("menuitem", name="Download", exact=True).click()
    assert download.value.path().read_text() == "a,b\n1,2\n"
    installation.carrel("session", "stop", "uma")


def test_two_students_work_at_the_same_time(installation, person):
    both = []
    for name in ("bea", "cal"):
        installation.add_user(name)
        someone = person()
        someone.login(name)
        someone.start()
        someone.new_notebook()
        both.append(someone)
    for someone, name in zip(both, ("bea", "cal"), strict=True):
        someone.run(f"open('mine.txt', 'w').write('{name}')")
    for someone, name in zip(both, ("bea", "cal"), strict=True):
        assert name in someone.run(
            "import os; print(os.listdir('/content'), open('mine.txt').read())"
        )
    for name in ("bea", "cal"):
        installation.carrel("session", "stop", name)


def test_a_wrong_password_has_one_message_for_every_cause(installation, person):
    installation.add_user("wanda")
    said = []
    for name, password in (
        ("wanda", "wrong-password"),
        ("nobody", installation.password),
        ("<b>x</b>", "y" * 20),
    ):
        someone = person()
        someone.login(name, password)
        said.append(someone.page.get_by_role("alert").inner_text())
    assert len(set(said)) == 1, said


def test_options_that_no_profile_offers_are_refused(installation, person):
    import json
    import urllib.error
    import urllib.request

    installation.add_user("mallory")
    token = installation.carrel("token", "mallory").stdout.strip()
    for options in (
        {"profile": "huge"},
        {"image": "debian"},
        {"profile": "small", "mem": "9G"},
        {"profile": 3},
    ):
        request = urllib.request.Request(
            f"{installation.url}/hub/api/users/mallory/server",
            data=json.dumps(options).encode(),
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
            method="POST",
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=30)
        assert caught.value.code == 400, options
        assert "small" in caught.value.read().decode(), "says what is offered"
    assert installation.session_container("mallory") == ""
