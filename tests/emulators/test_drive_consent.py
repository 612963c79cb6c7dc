"""People consent, programs get tokens, and both as strictly as at Google."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from drive_emulator.emulator import Emulator
from drive_emulator.grants import DRIVE, Client, challenge_of
from drive_emulator.server import serving

BACK = "https://carrel.example.org/services/carrel/drive/callback"
SECRET = "the client's secret"
VERIFIER = "a" * 50
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Consent:
    """The emulator, and what a browser and a program do with it."""

    emulator: Emulator
    url: str

    def send(self, method: str, path: str, form: list | dict | None = None, headers=FORM):
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        body = None if form is None else urlencode(form).encode()
        connection.request(method, path, body, headers if form is not None else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def asked(self, **more: str) -> dict[str, str]:
        return {
            "client_id": "carrel", "redirect_uri": BACK, "response_type": "code", "scope": DRIVE,
            "state": "s/1+2", "access_type": "offline", "prompt": "consent",
            "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256", **more,
        }  # fmt: skip

    def page(self, **more: str):
        return self.send("GET", "/o/oauth2/v2/auth?" + urlencode(self.asked(**more)))

    def decide(self, answer: str = "allow", keep: tuple[str, ...] | None = None, **more: str):
        """What comes back to the program, after the page was filled in as a browser does."""
        _, text = self.page(**more)
        hidden = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', text)
        form = [(unescape(name), unescape(value)) for name, value in hidden]
        offered = re.findall(r'name="keep" value="([^"]*)"', text)
        form += [("keep", scope) for scope in (offered if keep is None else keep)]
        form += [("account", "anna@example.org"), ("answer", answer)]
        went, _ = self.send("POST", "/o/oauth2/v2/auth", form)
        assert went.status == 303, went.status
        where = went.headers["Location"]
        assert where.startswith(BACK + "?")
        return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}

    def token(self, headers: dict[str, str] | None = None, **form: str) -> tuple[int, dict]:
        form = {"client_id": "carrel", "client_secret": SECRET, **form}
        answer, text = self.send("POST", "/token", form, {**FORM, **(headers or {})})
        return answer.status, json.loads(text)

    def exchange(self, code: str, **more: str) -> tuple[int, dict]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.token(**{**form, "code_verifier": VERIFIER, **more})

    def refresh(self, token: str) -> tuple[int, dict]:
        return self.token(grant_type="refresh_token", refresh_token=token)


@pytest.fixture
def consent() -> Iterator[Consent]:
    emulator = Emulator()
    emulator.store.add_account("anna@example.org", "Anna <A>")
    emulator.store.add_account("ben@example.org", "Ben")
    emulator.add_client(Client("carrel", SECRET, (BACK,), "Carrel"))
    with serving(emulator, prefix="/demo-drive") as url:
        yield Consent(emulator, url)


def test_the_page_says_what_it_is_who_asks_and_for_what(consent) -> None:
    answer, text = consent.page()
    assert answer.status == 200 and "frame" not in text
    for words in (
        "It is not Google",
        "Carrel",
        "Anna &lt;A&gt;",
        "carrel.example.org",
        "See, edit",
    ):
        assert words in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_consent_becomes_tokens(consent) -> None:
    back = consent.decide()
    assert back["state"] == "s/1+2" and back["scope"] == DRIVE
    status, tokens = consent.exchange(back["code"])
    assert status == 200 and tokens["token_type"] == "Bearer" and tokens["scope"] == DRIVE
    grant, _ = consent.emulator.grants.find(tokens["access_token"])
    assert grant.email == "anna@example.org"
    status, more = consent.refresh(tokens["refresh_token"])
    assert status == 200 and "refresh_token" not in more
    assert consent.emulator.grants.find(more["access_token"])


def test_under_a_prefix_it_is_the_same(consent) -> None:
    asked = urlencode(consent.asked())
    answer, _ = consent.send("GET", f"/demo-drive/o/oauth2/v2/auth?{asked}")
    assert answer.status == 200


def test_a_code_is_good_once_and_a_second_try_takes_the_tokens_back(consent) -> None:
    code = consent.decide()["code"]
    _, tokens = consent.exchange(code)
    assert consent.exchange(code)[1]["error"] == "invalid_grant"
    assert consent.emulator.grants.find(tokens["access_token"]) is None


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_verifier": "b" * 50}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": BACK + "/"}, "redirect_uri_mismatch"),
        ({"client_secret": "guessed"}, "invalid_client"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": "4/0Anonsense"}, "invalid_grant"),
    ],
)
def test_nothing_is_given_for_less_than_the_whole_proof(consent, wrong, error) -> None:
    code = consent.decide()["code"]
    status, said = consent.exchange(**{"code": code, **wrong})
    assert status in (400, 401) and said["error"] == error


def test_a_client_may_prove_itself_by_header(consent) -> None:
    code = consent.decide()["code"]
    pair = base64.b64encode(f"carrel:{SECRET}".encode()).decode()
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    headers = {**FORM, "Authorization": f"Basic {pair}"}
    answer, _ = consent.send("POST", "/token", form, headers)
    assert answer.status == 200


def test_a_code_that_is_old_is_worth_nothing(consent) -> None:
    code = consent.decide()["code"]
    consent.emulator.set(clock_ahead_s=601)
    assert consent.exchange(code)[1]["error"] == "invalid_grant"


@pytest.mark.parametrize("uri", [BACK + "/", BACK + "?a=b", "https://evil.example.org/", ""])
def test_the_browser_is_never_sent_where_nobody_registered(consent, uri) -> None:
    answer, text = consent.page(redirect_uri=uri)
    assert answer.status == 400 and "redirect_uri_mismatch" in text
    went, _ = consent.send("POST", "/o/oauth2/v2/auth", consent.asked(redirect_uri=uri))
    assert went.status == 400


def test_a_no_comes_back_as_one(consent) -> None:
    assert consent.decide("deny") == {"error": "access_denied", "state": "s/1+2"}


def test_a_scope_can_be_left_out(consent) -> None:
    scope = f"openid {DRIVE}.readonly {DRIVE}.file"
    back = consent.decide(keep=(f"{DRIVE}.file",), scope=scope)
    assert back["scope"] == f"openid {DRIVE}.file"
    assert consent.exchange(back["code"])[1]["scope"] == back["scope"]


def test_an_unknown_scope_is_refused(consent) -> None:
    answer, _ = consent.page(scope=DRIVE + ".everything")
    assert "error=invalid_scope" in answer.headers["Location"]


def test_only_who_asks_anew_or_for_the_first_time_gets_a_refresh_token(consent) -> None:
    def refresh_token(**more: str) -> bool:
        return "refresh_token" in consent.exchange(consent.decide(**more)["code"])[1]

    assert not refresh_token(access_type="online")
    assert refresh_token(prompt="")
    assert not refresh_token(prompt="")
    assert refresh_token(prompt="consent")


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_consent(consent, which) -> None:
    _, tokens = consent.exchange(consent.decide()["code"])
    answer, _ = consent.send("POST", "/revoke", {"token": tokens[which]})
    assert answer.status == 200
    assert consent.refresh(tokens["refresh_token"]) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "Token has been expired or revoked.",
        },
    )
    assert consent.emulator.grants.open_ones() == []
    answer, _ = consent.send("POST", "/revoke", {"token": tokens[which]})
    assert answer.status == 400


def test_tokens_live_as_long_as_they_are_set_to(consent) -> None:
    consent.emulator.set(access_token_s=60, refresh_token_s=7 * 24 * 3600)
    _, tokens = consent.exchange(consent.decide()["code"])
    assert tokens["expires_in"] == 60 and tokens["refresh_token_expires_in"] == 604800
    consent.emulator.set(clock_ahead_s=61)
    assert consent.emulator.grants.find(tokens["access_token"]) is None
    assert consent.refresh(tokens["refresh_token"])[0] == 200
    consent.emulator.set(clock_ahead_s=8 * 24 * 3600)
    assert consent.refresh(tokens["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_program_learns_who_consented(consent) -> None:
    _, tokens = consent.exchange(consent.decide(scope=f"openid email {DRIVE}")["code"])
    connection = HTTPConnection(urlsplit(consent.url).netloc, timeout=20)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    connection.request("GET", "/oauth2/v3/userinfo", headers=bearer)
    assert json.load(connection.getresponse())["email"] == "anna@example.org"
    connection.close()
    _, text = consent.send("GET", f"/tokeninfo?access_token={tokens['access_token']}")
    assert json.loads(text)["scope"].split()[-1] == DRIVE
