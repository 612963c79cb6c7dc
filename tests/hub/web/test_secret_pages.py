"""The page Secrets: one's own and nobody else's, what is entered goes to the hub and never back."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp
import pytest
import sqlalchemy as sa

from hub import secret_grants, user_secrets
from hub.audit import By
from hub.models import secrets as rows
from hub.sealing import Label
from hub.secret_grants import MOST_GRANTED, Reader
from hub.store import Store
from hub.user_secrets import MOST, Sealed
from tests.hub.web.conftest import SEALER, Site

JSON = {"Accept": "application/json"}
VALUE = "hf_very <b>secret</b> & ä"
ADA, TESS, ROOT = "student-token", "tess-token", "root-token"


@pytest.fixture
async def kept(site: Site) -> Site:
    """Ada's secret, for which two notebooks asked."""
    fields = [("name", "HF_TOKEN"), ("value", VALUE)]
    assert (await site.post("/secrets", ADA, fields))[0] == 303
    for number in (1, 2):
        reader = Reader("ada", "HF_TOKEN", f"lab{number}.ipynb")
        site.store.decide(secret_grants.remember, reader, datetime.now(UTC))
    return site


async def do(site: Site, action: str, token: str = ADA, **fields: str) -> tuple[int, str]:
    fields = {"action": action, "name": "HF_TOKEN"} | fields
    return await site.post("/secrets/do", token, list(fields.items()))


async def listed(site: Site, token: str = ADA) -> list[dict]:
    status, body, _ = await site.get("/secrets", token, **JSON)
    assert status == 200
    return json.loads(body)["secrets"]


def opened(store: Store, user: str = "ada", name: str = "HF_TOKEN") -> str:
    return SEALER.open(Label(user, name), store.read(user_secrets.sealed, user, name))


async def test_who_has_none_is_told_how(site: Site) -> None:
    status, page, headers = await site.get("/secrets", ADA)
    assert status == 200 and "You have no secrets yet" in page
    assert "userdata.get(&#34;HF_TOKEN&#34;)" in page or 'userdata.get("HF_TOKEN")' in page
    assert headers["Cache-Control"] == "no-store"
    assert await listed(site) == []


async def test_a_secret_is_sealed_and_never_shown_again(kept: Site) -> None:
    assert opened(kept.store) == VALUE
    for path in ("/secrets", "/secrets?done=saved"):
        _, page, _ = await kept.get(path, ADA)
        assert "HF_TOKEN" in page and "hf_very" not in page
    (secret,) = await listed(kept)
    assert set(secret) == {
        "name", "everywhere", "created_at", "changed_at", "notebooks", "asked",
    }  # fmt: skip
    with kept.store.reading() as tx:
        assert "hf_very" not in str(tx.execute(sa.select(rows)).all())


async def test_nobody_sees_or_touches_anothers(kept: Site) -> None:
    for token in (TESS, ROOT, "admin-token"):
        _, page, _ = await kept.get("/secrets", token)
        assert "secret-HF_TOKEN" not in page and "lab1" not in page
        assert await listed(kept, token) == []
        for action in ("delete", "replace", "everywhere", "allow", "revoke"):
            status, _ = await do(
                kept, action, token, value="mine", confirmed="1", notebook="lab1.ipynb"
            )
            assert status in (303, 404), action
    (secret,) = await listed(kept)
    assert (secret["everywhere"], secret["notebooks"]) == (False, [])
    assert opened(kept.store) == VALUE
    status, _, _ = await kept.get("/secrets", "stranger-token")
    assert status == 403


async def test_a_notebook_is_allowed_by_one_press_and_revoked(kept: Site) -> None:
    _, page, _ = await kept.get("/secrets", ADA)
    assert "Asked for it" in page and "Allow lab1.ipynb to read HF_TOKEN" in page
    assert (await do(kept, "allow", notebook="lab1.ipynb"))[0] == 303
    assert (await do(kept, "refuse", notebook="lab2.ipynb"))[0] == 303
    (secret,) = await listed(kept)
    assert (secret["notebooks"], secret["asked"]) == (["lab1.ipynb"], [])
    assert (await do(kept, "revoke", notebook="lab1.ipynb"))[0] == 303
    (secret,) = await listed(kept)
    assert (secret["notebooks"], secret["asked"]) == ([], [])


async def test_a_notebook_is_allowed_by_its_path_and_all_by_choice(kept: Site) -> None:
    assert (await do(kept, "allow", notebook="/content/courses/ds/lab 3.ipynb"))[0] == 303
    assert (await listed(kept))[0]["notebooks"] == ["courses/ds/lab 3.ipynb"]
    status, page = await do(kept, "allow", notebook="<b>../x")
    assert status == 400 and "This is no path of a notebook." in page and "<b>.." not in page
    assert 'value="&lt;b&gt;../x"' in page
    for action, everywhere in (("everywhere", True), ("listed", False)):
        assert (await do(kept, action))[0] == 303
        assert (await listed(kept))[0]["everywhere"] is everywhere


async def test_a_value_is_replaced_and_who_reads_it_stays(kept: Site) -> None:
    await do(kept, "allow", notebook="lab1.ipynb")
    assert (await do(kept, "replace", value="-----BEGIN\r\nabc\r\n"))[0] == 303
    assert opened(kept.store) == "-----BEGIN\nabc\n"
    assert (await do(kept, "replace", value="  token\r\n"))[0] == 303
    assert opened(kept.store) == "  token"
    assert (await listed(kept))[0]["notebooks"] == ["lab1.ipynb"]


async def test_a_secret_is_deleted_when_that_was_confirmed(kept: Site) -> None:
    status, page = await do(kept, "delete")
    assert status == 200 and "Nobody can bring it back." in page and len(await listed(kept)) == 1
    assert (await do(kept, "delete", confirmed="1"))[0] == 303
    assert await listed(kept) == []
    status, body = await kept.post(
        "/secrets/do", ADA, [("action", "delete"), ("name", "HF_TOKEN")], **JSON
    )
    assert status == 200 and json.loads(body) == {"changed": False}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("name", "<script>alert(1)</script>"), ("value", "hf_x")], "cannot be called that"),
        ([("name", "a\nb"), ("value", "hf_x")], "cannot be called that"),
        ([("name", "x" * 10_000), ("value", "hf_x")], "cannot be called that"),
        ([("name", ""), ("value", "hf_x")], "cannot be called that"),
        ([("name", "NEW"), ("value", "")], "The value is empty."),
        ([("name", "NEW")], "The value is empty."),
        ([("name", "NEW"), ("value", "hf_x" * 2100)], "The value is too long"),
        ([("name", "NEW"), ("value", "hf_x\0")], "no text"),
        ([("name", "HF_TOKEN"), ("value", "hf_x")], "of this name already"),
    ],
)
async def test_what_cannot_be_kept_is_said_on_the_form_without_the_value(
    kept: Site, fields: list[tuple[str, str]], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    status, page = await kept.post("/secrets", ADA, fields)
    assert status in (400, 409) and says in page
    assert "hf_x" not in page and "<script>alert" not in page
    status, body = await kept.post("/secrets", ADA, fields, **JSON)
    assert status in (400, 409) and "hf_x" not in body
    assert len(await listed(kept)) == 1 and opened(kept.store) == VALUE
    assert "hf_x" not in caplog.text


async def test_bytes_that_are_no_text_are_neither_kept_nor_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {
        "Authorization": f"token {ADA}", "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{site.url}/secrets", data=b"name=KEY&value=hf_x%ff%fe") as answer,
    ):
        assert answer.status == 400
        page = await answer.text()
    assert "no text" in page and "hf_x" not in page and "hf_x" not in caplog.text
    assert await listed(site) == []


async def test_no_value_and_no_name_is_in_a_log_or_in_an_address(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"token {ADA}"}) as http,
        http.post(
            f"{site.url}/secrets", data={"name": "HF_TOKEN", "value": VALUE},
            allow_redirects=False,
        ) as answer,
    ):  # fmt: skip
        where = answer.headers["Location"]
    assert where.split("#")[0].endswith("/secrets?done=saved")
    await site.post("/secrets", ADA, [("name", "HF_TOKEN"), ("value", VALUE)])
    await do(site, "replace", value=VALUE)
    await do(site, "allow", notebook="lab1.ipynb")
    await do(site, "delete", confirmed="1")
    await do(site, "replace", value=VALUE)
    for word in ("hf_very", quote(VALUE), "HF_TOKEN", "lab1"):
        assert word not in caplog.text
    with site.store.reading() as tx:
        audit = str(tx.execute(sa.text("SELECT * FROM audit")).all())
    assert "secret.saved" in audit and "HF_TOKEN" not in audit and "hf_very" not in audit


async def test_two_at_once_make_one(site: Site) -> None:
    fields = [("name", "HF_TOKEN"), ("value", VALUE)]
    answers = await asyncio.gather(*(site.post("/secrets", ADA, fields) for _ in range(3)))
    assert sorted(status for status, _ in answers) == [303, 409, 409]


async def test_a_hundred_are_enough(site: Site) -> None:
    now = datetime.now(UTC)
    for number in range(MOST):
        sealed = Sealed(f"K{number:03}", "sealed", True)
        site.store.decide(user_secrets.save, "ada", sealed, By("ada", now))
    status, page = await site.post("/secrets", ADA, [("name", "MORE"), ("value", "x")])
    assert status == 409 and "as many as can be" in page
    _, page, _ = await site.get("/secrets", ADA)
    assert "Delete one to add another." in page and "Add a secret" not in page
    for number in range(MOST_GRANTED):
        reader = Reader("ada", "K000", f"n{number}.ipynb")
        site.store.decide(secret_grants.allow, reader, By("ada", now))
    status, page = await do(site, "allow", name="K000", notebook="x.ipynb")
    assert status == 409 and "as many as can be listed" in page


async def test_a_hub_without_its_key_or_voice_is_said(kept: Site) -> None:
    kept.hub.keyless = True
    status, page = await kept.post("/secrets", ADA, [("name", "NEW"), ("value", "hf_x")])
    assert status == 503 and "The key is missing." in page and "hf_x" not in page
    await kept.close_hub()


@pytest.mark.parametrize(
    ("action", "name"), [("steal", "HF_TOKEN"), ("", "HF_TOKEN"), ("delete", "NONE"),
                         ("delete", "<b>"), ("replace", "NONE"), ("allow", "NONE")],
)  # fmt: skip
async def test_actions_and_names_that_are_not_there_are_refused(
    kept: Site, action: str, name: str
) -> None:
    status, page = await do(kept, action, name=name, value="hf_x", notebook="a.ipynb")
    assert status in (400, 404) and "<b>" not in page and "hf_x" not in page
    assert len(await listed(kept)) == 1


async def test_forms_of_another_site_do_nothing(kept: Site) -> None:
    for path, fields in (
        ("/secrets", [("name", "NEW"), ("value", "x")]),
        ("/secrets/do", [("name", "HF_TOKEN"), ("action", "everywhere")]),
    ):
        status, _ = await kept.post(path, ADA, fields, **{"Sec-Fetch-Site": "cross-site"})
        assert status == 403
    (secret,) = await listed(kept)
    assert secret["everywhere"] is False
