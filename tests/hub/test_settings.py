"""Settings: one file under the environment, every problem told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.settings import Settings, load, load_resolved
from spawner.errors import CarrelError, Code


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "carrel.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_means_all_defaults(tmp_path):
    settings = load(tmp_path / "absent.toml", {})
    assert settings == Settings()
    assert settings.default_profile.slug == "small"


def test_the_shipped_file_is_valid_and_says_what_the_defaults_say():
    shipped = load(Path(__file__).parents[2] / "config" / "carrel.toml", {})
    assert shipped == Settings()


def test_every_problem_is_listed_at_once(tmp_path):
    path = write(
        tmp_path,
        'data = 1\n[server]\nport = "x"\nfoo = 3\n[idle]\nlimit_hours = -1\n'
        "[machines.small]\ncores = 0\n[machines.medium]\n",
    )
    with pytest.raises(CarrelError) as caught:
        load(path, {})
    text = str(caught.value)
    assert caught.value.code is Code.BAD_INPUT
    for part in (
        "5 problem(s)",
        "data: there is no such setting",
        "server.foo: there is no such setting",
        "server.port = 'x'",
        "idle.limit_hours = -1: Input should be greater than 0",
        "machines.small.cores = 0",
        "docs/admin.md",
    ):
        assert part in text


def test_a_profile_must_name_a_machine_and_an_image_that_exist(tmp_path):
    path = write(
        tmp_path,
        '[[profiles]]\nslug = "a"\ntitle = "A"\nimage = "bse"\nmachine = "huge"\n'
        '[[profiles]]\nslug = "a"\ntitle = "A"\nimage = "base"\nmachine = "small"\n',
    )
    with pytest.raises(CarrelError) as caught:
        load(path, {})
    text = str(caught.value)
    assert "two profiles have the slug 'a'" in text
    assert "there is no [machines.huge]" in text
    assert "image 'bse' is neither in images.families" in text


def test_what_is_wrong_together_is_told_with_what_is_wrong_by_itself(tmp_path):
    path = write(
        tmp_path,
        'tyop = 1\n[[profiles]]\nslug = "a"\ntitle = "A"\nimage = "bse"\nmachine = "huge"\n',
    )
    with pytest.raises(CarrelError) as caught:
        load(path, {})
    assert "3 problem(s)" in str(caught.value)


def test_a_profile_whose_image_is_not_built_is_refused(tmp_path):
    with pytest.raises(CarrelError, match=r"profile 'datascience': image 'datascience'"):
        load(write(tmp_path, '[images]\nfamilies = ["base"]\n'), {})


@pytest.mark.parametrize("value", ["foo", "[", "{}"])
def test_a_list_in_the_environment_that_is_none_is_a_problem_and_no_traceback(
    tmp_path, monkeypatch, value
):
    monkeypatch.setenv("CARREL_IMAGES__EXTRA", value)
    with pytest.raises(CarrelError, match=r"(?i)images"):
        load(tmp_path / "absent.toml", {})


def test_a_slash_at_the_end_of_the_address_is_forgiven(tmp_path):
    settings = load(write(tmp_path, '[server]\npublic_url = "https://x.example/"\n'), {})
    assert settings.public_url == "https://x.example"


def test_broken_toml_names_the_line(tmp_path):
    with pytest.raises(CarrelError, match=r"not valid TOML.*line 2"):
        load(write(tmp_path, "project = 'x'\n[server\n"), {})


@pytest.mark.parametrize(
    "line",
    [
        'data_dir = "relative"',
        'data_dir = "/srv/../etc"',
        'data_dir = "/srv/a b"',
        'project = "Has Space"',
        '[network]\nsubnet = "8.8.8.0/24"',
        '[network]\nsubnet = "10.0.0.0/30"',
        '[network]\nallow = ["10.0.0.0/8:99999"]',
        '[network]\nallow = ["nonsense"]',
        '[server]\npublic_url = "https://x/path"',
        '[server]\nbind = "localhost"',
        '[server]\nbind = "999.1.1"',
        'project = "waytoolongaproject"',
        '[database]\nbackend = "mysql"',
        '[images]\nfamilies = ["datascience"]',
        "[machines]\n",
    ],
)
def test_values_out_of_range_are_refused(tmp_path, line):
    with pytest.raises(CarrelError):
        load(write(tmp_path, line + "\n"), {})


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("CARREL_SERVER__PORT", "9001")
    monkeypatch.setenv("CARREL_NETWORK__ALLOW", '["10.1.0.0/16:3128"]')
    settings = load(write(tmp_path, '[server]\nport = 8002\nbind = "127.0.0.2"\n'))
    assert (settings.server.port, settings.server.bind) == (9001, "127.0.0.2")
    assert settings.network.allow == ("10.1.0.0/16:3128",)


def test_an_unknown_environment_variable_is_refused(tmp_path):
    with pytest.raises(CarrelError, match="CARREL_SERVR__PORT"):
        load(tmp_path / "absent.toml", {"CARREL_SERVR__PORT": "1"})


def test_the_resolved_file_is_final(tmp_path, monkeypatch):
    settings = load(write(tmp_path, "[server]\nport = 8002\n"), {})
    resolved = tmp_path / "settings.json"
    resolved.write_text(settings.model_dump_json(), encoding="utf-8")
    monkeypatch.setenv("CARREL_SERVER__PORT", "9002")
    assert load_resolved(resolved) == settings


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.port = 1


def test_every_setting_has_a_help_and_a_default():
    def sections(model):
        for name, field in model.model_fields.items():
            yield model.__name__, name, field
            if hasattr(field.annotation, "model_fields"):
                yield from sections(field.annotation)

    for model, name, field in sections(Settings):
        if hasattr(field.annotation, "model_fields"):
            continue
        assert field.description, f"{model}.{name} has no help"
        assert not field.is_required(), f"{model}.{name} has no default"


def _sign_on(tmp_path: Path, lines: str) -> str:
    """What is wrong with that table; empty when it is taken."""
    try:
        load(write(tmp_path, f"[sign_on]\n{lines}\n"), {})
    except CarrelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('provider = "oidc"\nclient_id = "c"', "sign_on.issuer: 'oidc' needs"),
        ('provider = "github"', "sign_on.client_id: 'github' needs"),
        ('provider = "google"\nclient_id = "c"\nissuer = "https://a.example"', "one address"),
        ('provider = "saml"', "sign_on.provider = 'saml'"),
        ('issuer = "http://idp.example.org"', "https://"),
        ('issuer = "https://u:p@idp.example.org"', "https://"),
        ('issuer = "https://idp.example.org/?a=b"', "https://"),
        ('issuer = "https://idp.example.org\\n"', "https://"),
        ('scopes = ["openid email"]', "no spaces"),
        ('client_secret = "s"', "there is no such setting"),
    ],
)
def test_a_sign_on_that_cannot_work_is_refused(tmp_path, lines, says):
    assert says in _sign_on(tmp_path, lines)


@pytest.mark.parametrize(
    "lines",
    [
        'provider = "google"\nclient_id = "c"',
        'provider = "gitlab"\nclient_id = "c"\nissuer = "https://git.example.org/"',
        'provider = "oidc"\nclient_id = "c"\nissuer = "https://idp.example.org/realms/a"',
        'provider = "oidc"\nclient_id = "c"\nissuer = "http://127.0.0.1:8080"',
    ],
)
def test_a_sign_on_that_can_work_is_taken(tmp_path, lines):
    assert _sign_on(tmp_path, lines) == ""


def test_the_provider_is_called_by_name(tmp_path):
    table = '[sign_on]\nprovider = "oidc"\nclient_id = "c"\nissuer = "https://idp.example.org/x"\n'
    assert load(write(tmp_path, table), {}).sign_on.called == "idp.example.org"
    named = load(write(tmp_path, f'{table}name = "Example University"\n'), {})
    assert named.sign_on.called == "Example University"
