"""What is sealed opens with its key, for its user and its name; everything else is a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub import sealing
from hub.sealing import KEY, Label, Sealer
from hub.settings import Settings
from spawner.errors import CarrelError, Code

ONE, TWO = b"\x01" * 32, b"\x02" * 32
MIA = Label("mia", "HF_TOKEN")
VALUE = "hf_ä\n-----\t\U0001f511"


def test_what_was_sealed_opens_again_and_never_looks_the_same() -> None:
    sealer = Sealer([ONE])
    first, second = sealer.seal(MIA, VALUE), sealer.seal(MIA, VALUE)
    assert first != second
    assert {sealer.open(MIA, first), sealer.open(MIA, second)} == {VALUE}
    assert "hf_" not in first and "mia" not in first


@pytest.mark.parametrize("label", [Label("tom", "HF_TOKEN"), Label("mia", "OTHER")])
def test_a_row_that_was_moved_opens_nothing(label: Label) -> None:
    sealed = Sealer([ONE]).seal(MIA, VALUE)
    with pytest.raises(CarrelError, match="cannot be opened any more") as caught:
        Sealer([ONE]).open(label, sealed)
    assert caught.value.code is Code.UNAVAILABLE


@pytest.mark.parametrize("sealed", ["", "x", "gAAAA", "ä", "A" * 10_000])
def test_what_is_no_seal_opens_nothing(sealed: str) -> None:
    with pytest.raises(CarrelError, match="cannot be opened any more"):
        Sealer([ONE]).open(MIA, sealed)


def test_another_key_opens_nothing_and_tells_no_value() -> None:
    sealed = Sealer([ONE]).seal(MIA, VALUE)
    with pytest.raises(CarrelError, match="Enter its value again") as caught:
        Sealer([TWO]).open(MIA, sealed)
    assert caught.value.__cause__ is None and "hf_" not in str(caught.value)


def test_of_several_keys_the_first_seals_and_all_open(tmp_path: Path) -> None:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    settings = Settings(data_dir=tmp_path)
    path.write_text(ONE.hex())
    before = sealing.sealer(settings).seal(MIA, VALUE)
    path.write_text(f"{TWO.hex()}\n{ONE.hex()}\n")
    both = sealing.sealer(settings)
    assert both.open(MIA, before) == VALUE
    assert Sealer([TWO]).open(MIA, both.seal(MIA, VALUE)) == VALUE


@pytest.mark.parametrize("held", [None, "", "xyz", "00" * 16, f"{ONE.hex()}\n00", "\xe4", b"\xff"])
def test_a_missing_or_damaged_key_is_told_with_what_to_do(
    tmp_path: Path, held: str | bytes | None
) -> None:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    if held is not None:
        path.write_bytes(held.encode() if isinstance(held, str) else held)
    with pytest.raises(CarrelError, match="missing or damaged") as caught:
        sealing.sealer(Settings(data_dir=tmp_path))
    assert caught.value.code is Code.UNAVAILABLE
    assert "backup" in caught.value.hint and KEY in caught.value.hint


def test_the_container_of_web_sees_no_key_of_the_hub() -> None:
    compose = (Path(__file__).parents[2] / "docker-compose.yml").read_text()
    services = re.split(r"\n  (?=\w[\w-]*:\n)", compose)
    sees = {
        text.split(":")[0]: re.findall(r"- \$\{CARREL_DATA_DIR\}(/secrets\S*?):", text)
        for text in services
        if "container_name" in text
    }
    folder = f"/{KEY.rpartition('/')[0]}"
    holders = {
        name
        for name, folders in sees.items()
        if any(f"{folder}/".startswith(f"{seen}/") for seen in folders)
    }
    assert holders == {"hub"}, "node, which made it, has the whole data directory"
    assert sees["web"]
