"""A secret from the page to a cell: refused, allowed by one press, read; web has no key."""

from __future__ import annotations

import re
import subprocess

import pytest
from playwright.sync_api import expect

from hub.sealing import KEY

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(600)]
VALUE = "hf_only-for-this-test"
READ = 'from google.colab import userdata\nprint(len(userdata.get("SEC_TOKEN")))'


def logs(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_a_notebook_reads_a_secret_once_it_is_allowed_to(installation, person):
    installation.add_user("suna")
    someone = person()
    someone.login("suna")
    someone.start()
    someone.new_notebook()
    said = someone.run(READ)
    assert "SecretNotFoundError" in said
    (where,) = set(re.findall(r"http\S+/services/carrel/secrets", said))

    page = someone.context.new_page()
    page.goto(where)
    page.get_by_label("Name", exact=True).fill("SEC_TOKEN")
    page.get_by_label("Value", exact=True).fill(VALUE)
    page.get_by_role("button", name="Save the secret").click()
    expect(page.get_by_role("status")).to_contain_text("The secret is saved.")

    assert "NotebookAccessError" in someone.run(READ)
    page.bring_to_front()
    allow = page.get_by_role("button", name=re.compile(r"Allow Untitled\w*\.ipynb to read"))
    expect(allow).to_be_visible(timeout=20_000)
    allow.click()
    expect(page.get_by_role("status")).to_contain_text("may read it from now on")
    assert VALUE not in page.content()
    someone.page.bring_to_front()
    assert someone.run(READ).strip() == str(len(VALUE))

    key = f"{installation.data_dir}/{KEY}"
    seen = {
        name: installation.inside(f"{installation.project}-{name}", "cat", key)[0]
        for name in ("hub", "web")
    }
    assert seen["hub"] == 0 and seen["web"] != 0
    for name in ("hub", "web", "node"):
        said = logs(f"{installation.project}-{name}")
        assert VALUE not in said and "SEC_TOKEN" not in said, name
