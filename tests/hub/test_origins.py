"""Under which origins browsers see hub and web."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import origins
from hub.knobs import Server
from hub.settings import load
from spawner.errors import CarrelError


def test_on_one_address_everything_is_relative() -> None:
    assert origins.of(Server()) == origins.Origins("", "")
    assert origins.of(Server()).pages == "/services/carrel/"


def test_with_subdomains_the_service_has_the_host_that_jupyterhub_gives_it() -> None:
    server = Server(public_url="https://carrel.example.org:8443", subdomains=True)
    assert origins.of(server).hub == "https://carrel.example.org:8443"
    assert origins.of(server).pages == (
        "https://carrel--service.carrel.example.org:8443/services/carrel/"
    )


@pytest.mark.parametrize("url", ["", "https://192.0.2.1", "https://localhost"])
def test_subdomains_need_a_name_that_can_have_some(tmp_path: Path, url: str) -> None:
    path = tmp_path / "carrel.toml"
    path.write_text(f'[server]\npublic_url = "{url}"\nsubdomains = true\n', encoding="utf-8")
    with pytest.raises(CarrelError, match=r"needs server\.public_url with a host name"):
        load(path, {})
