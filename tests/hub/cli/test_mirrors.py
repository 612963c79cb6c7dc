"""What the host's package managers use goes into the images; passwords do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli import mirrors, shell


@pytest.fixture
def host(monkeypatch):
    """What the host's programs answer, by their name."""
    answers = {"apt-get": "", "pip": ""}

    def run(command, **_):
        return shell.Result(0, answers["pip" if "pip" in command else command[0]], "")

    monkeypatch.setattr(mirrors.shell, "run", run)
    for name in (*mirrors.PROXY_NAMES, "NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    return answers


def find(debian_mirror=""):
    warnings = []
    return mirrors.find(debian_mirror, warnings.append), warnings


def test_apts_mirror_is_taken(host):
    host["apt-get"] = (
        "https://mirror.example/debian/ bookworm\n"
        "https://mirror.example/debian/ bookworm-updates\n"
        "https://other.example/debian-security/ bookworm-security\n"
        "https://download.example/linux/other/ bookworm\n"
    )
    found, _ = find()
    assert found.debian == "https://mirror.example/debian"
    assert found.security == "https://other.example/debian-security"


def test_a_host_that_is_no_debian_uses_debians_own(host):
    host["apt-get"] = "http://archive.ubuntu.com/ubuntu/ noble\n"
    found, _ = find()
    assert (found.debian, found.security) == (mirrors.DEBIAN, mirrors.DEBIAN_SECURITY)


def test_the_setting_wins(host):
    host["apt-get"] = "https://mirror.example/debian/ bookworm\n"
    assert find("http://site.example/debian/")[0].debian == "http://site.example/debian"


def test_pips_index_goes_into_the_images_and_folders_of_the_host_do_not(host):
    host["pip"] = (
        "global.index-url='https://pypi.example/simple'\n"
        "global.extra-index-url='file:///opt/x https://more.example/simple'\n"
        "global.cert='/etc/x.crt'\n"
    )
    assert find()[0].pip_conf == (
        "[global]\nindex-url = https://pypi.example/simple\n"
        "extra-index-url = https://more.example/simple\n"
    )


def test_no_setting_of_pip_means_none_in_the_images(host):
    host["pip"] = "global.extra-index-url='file:///opt/x'\n"
    assert find()[0].pip_conf == ""


def test_passwords_are_left_out_with_a_warning(host, monkeypatch):
    host["pip"] = "global.index-url='https://me:hunter2@pypi.example/simple'\n"
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    found, warnings = find()
    assert "hunter2" not in repr(found)
    assert found.proxies == (("NO_PROXY", "localhost"),)
    assert len(warnings) == 2
    assert "hunter2" not in " ".join(warnings)


def test_the_hosts_extra_certificates_are_found(host, monkeypatch, tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.crt", "sub/b.crt", "c.pem"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(mirrors, "EXTRA_CERTIFICATES", tmp_path)
    assert [Path(c).name for c in find()[0].certificates] == ["a.crt", "b.crt"]


@pytest.mark.parametrize("secret", ["user:hunter2@", "hunter2@"])
def test_a_debian_mirror_with_a_password_or_token_is_left_out(host, secret):
    host["apt-get"] = (
        f"https://{secret}mirror.example/debian/ bookworm\n"
        f"https://{secret}mirror.example/debian-security/ bookworm-security\n"
    )
    found, warnings = find()
    assert (found.debian, found.security) == (mirrors.DEBIAN, mirrors.DEBIAN_SECURITY)
    assert len(warnings) == 2
    assert find(f"https://{secret}site.example/debian")[0].debian == mirrors.DEBIAN
