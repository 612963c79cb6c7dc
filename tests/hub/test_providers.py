"""Who somebody is, as each provider says it.

The samples have the documented shape: GitHub's from docs.github.com/rest/users/users (get the
authenticated user), GitLab's from docs.gitlab.com/api/users (retrieve the current user), Google's
from developers.google.com/identity/openid-connect/openid-connect (ID token and userinfo), the last
from OpenID Connect Core 1.0, 5.3.2.
"""

from __future__ import annotations

from typing import Any

import pytest

from hub import providers
from hub.sign_on_knobs import SignOn
from spawner.errors import CarrelError

GITHUB = {
    "login": "octocat",
    "id": 1,
    "node_id": "MDQ6VXNlcjE=",
    "type": "User",
    "site_admin": False,
    "name": "monalisa octocat",
    "email": "octocat@github.com",
}
GITLAB = {
    "id": 1,
    "username": "john_smith",
    "email": "john@example.com",
    "name": "John Smith",
    "state": "active",
    "is_admin": False,
}
GOOGLE = {
    "sub": "110169484474386276334",
    "name": "Jan Jansen",
    "given_name": "Jan",
    "family_name": "Jansen",
    "email": "jan@gmail.com",
    "email_verified": True,
}
OIDC = {
    "sub": "248289761001",
    "name": "Jane Doe",
    "given_name": "Jane",
    "family_name": "Doe",
    "preferred_username": "j.doe",
    "email": "janedoe@example.com",
}
ISSUER = "https://server.example.com"


def _settings(provider: str, **more: Any) -> SignOn:
    given = {"issuer": ISSUER} if provider == "oidc" else {}
    return SignOn.model_validate({"provider": provider, "client_id": "c", **given, **more})


@pytest.mark.parametrize(
    ("provider", "claims", "identity", "user_name", "full_name"),
    [
        ("github", GITHUB, "https://github.com 1", "octocat", "monalisa octocat"),
        ("google", GOOGLE, "https://accounts.google.com 110169484474386276334", "jan",
         "Jan Jansen"),
        ("oidc", OIDC, f"{ISSUER} 248289761001", "j.doe", "Jane Doe"),
    ],
)  # fmt: skip
def test_people_are_known_by_what_never_changes_hands(
    provider, claims, identity, user_name, full_name
):
    person = providers.person(_settings(provider), claims)
    assert (person.identity, person.user_name, person.full_name) == (identity, user_name, full_name)
    moved = claims | {
        "email": "new@example.org", "login": "new", "username": "new",
        "preferred_username": "new", "name": "New",
    }  # fmt: skip
    assert providers.person(_settings(provider), moved).identity == identity


def test_what_cannot_be_a_user_name_proposes_none():
    person = providers.person(_settings("gitlab"), GITLAB)
    assert person.identity == "https://gitlab.com 1"
    assert person.user_name == "john_smith"
    strange = OIDC | {"preferred_username": "Jörg", "email": "ü@example.org"}
    assert providers.person(_settings("oidc"), strange).user_name is None


def test_a_server_of_ones_own_is_another_issuer():
    person = providers.person(_settings("gitlab", issuer="https://git.example.org/"), GITLAB)
    assert person.identity == "https://git.example.org 1"


def test_an_issuer_is_kept_to_the_letter():
    settings = _settings("oidc", issuer=f"{ISSUER}/")
    assert providers.person(settings, OIDC).identity == f"{ISSUER}/ 248289761001"


def test_an_address_proposes_what_stands_before_its_host():
    claims = OIDC | {"preferred_username": "Jane.Doe@Example.com"}
    assert providers.person(_settings("oidc"), claims).user_name == "jane.doe"


def test_the_settings_may_name_another_claim():
    settings = _settings("oidc", user_name_claim="given_name")
    assert providers.person(settings, OIDC).user_name == "jane"


@pytest.mark.parametrize(
    "sub", [None, "", " ", "a b", "a\nb", "ü", True, 1.5, ["x"], {"x": 1}, "x" * 256]
)
def test_whoever_has_no_lasting_name_is_refused(sub):
    with pytest.raises(CarrelError, match="did not say who you are"):
        providers.person(_settings("oidc"), OIDC | {"sub": sub})
    with pytest.raises(CarrelError):
        providers.person(_settings("oidc"), {k: v for k, v in OIDC.items() if k != "sub"})


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("  Jane \n Doe ", "Jane Doe"), ("x" * 300, "x" * 100), (None, ""), (7, ""),
        ("evil\u202etxt", ""), (["a"], ""),
    ],
)  # fmt: skip
def test_what_a_provider_calls_people_is_made_harmless(name, becomes):
    assert providers.person(_settings("oidc"), OIDC | {"name": name}).full_name == becomes


def test_openid_is_asked_for_whatever_the_settings_say():
    assert providers.scopes(_settings("oidc", scopes=["email"])) == ("openid", "email")
    assert providers.scopes(_settings("google")) == ("openid", "email", "profile")
    assert providers.scopes(_settings("github")) == ()
    assert providers.scopes(_settings("gitlab")) == ("read_user",)
