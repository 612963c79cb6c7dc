"""What is taken of an OpenID Connect provider's word, and what is not."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from hub import openid
from hub.openid import Endpoints, Expected
from spawner.errors import CarrelError

ISSUER = "https://idp.example.org"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
}
EXPECTED = Expected(ISSUER, "carrel", "the nonce")


def _claims(**other: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": ISSUER, "aud": "carrel", "exp": now + 300, "iat": now, "sub": "7",
        "nonce": "the nonce", **other,
    }  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def _token(**other: Any) -> str:
    return jwt.encode(_claims(**other), "k" * 32, algorithm="HS256")


def test_endpoints_come_from_the_document():
    found = openid.endpoints(ISSUER, DOCUMENT)
    assert found == Endpoints(
        f"{ISSUER}/authorize", f"{ISSUER}/token", f"{ISSUER}/userinfo", basic_auth=True
    )


@pytest.mark.parametrize(
    ("methods", "basic"),
    [
        (None, True), (["client_secret_post"], False),
        (["client_secret_post", "client_secret_basic"], True), (["private_key_jwt"], False),
    ],
)  # fmt: skip
def test_the_secret_is_shown_in_the_way_that_the_provider_takes(methods, basic):
    document = DOCUMENT | {"token_endpoint_auth_methods_supported": methods}
    assert openid.endpoints(ISSUER, document).basic_auth is basic


@pytest.mark.parametrize(
    "document",
    [
        None, [], "x", {},
        DOCUMENT | {"issuer": f"{ISSUER}/"},
        DOCUMENT | {"issuer": "https://other.example.org"},
        DOCUMENT | {"token_endpoint": "http://idp.example.org/token"},
        DOCUMENT | {"userinfo_endpoint": None},
        DOCUMENT | {"authorization_endpoint": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_trusted_is_refused(document):
    with pytest.raises(CarrelError, match="cannot be used for logging in"):
        openid.endpoints(ISSUER, document)


def test_the_document_is_looked_for_where_the_issuer_says():
    for issuer in (ISSUER, f"{ISSUER}/"):
        assert openid.discovery_url(issuer) == f"{ISSUER}/.well-known/openid-configuration"


def test_a_good_token_is_taken():
    openid.require_id_token(_token(), EXPECTED, "7")
    openid.require_id_token(_token(aud=["carrel", "other"], azp="carrel"), EXPECTED, "7")
    openid.require_id_token(_token(exp=int(time.time()) - 30), EXPECTED, "7")


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "https://other.example.org"}, {"iss": None},
        {"aud": "another"}, {"aud": None}, {"aud": ["another"]},
        {"exp": 1}, {"exp": None}, {"sub": "8"}, {"sub": None},
        {"nonce": "of another login"}, {"nonce": None},
        {"aud": ["carrel", "other"], "azp": "other"},
    ],
)  # fmt: skip
def test_a_token_of_somebody_or_something_else_is_refused(other):
    with pytest.raises(CarrelError, match="cannot be trusted"):
        openid.require_id_token(_token(**other), EXPECTED, "7")


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", 7])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(CarrelError, match="cannot be trusted"):
        openid.require_id_token(token, EXPECTED, "7")


def test_a_nonce_tells_nothing_of_the_login_it_is_of():
    assert openid.nonce("a" * 43) != openid.nonce("b" * 43)
    assert "a" * 10 not in openid.nonce("a" * 43)
