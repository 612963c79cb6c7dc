"""The GPUs of this host, by NVIDIA's management library; a host without any is no error."""

from __future__ import annotations

from dataclasses import dataclass

import pynvml


@dataclass(frozen=True)
class Gpu:
    uuid: str
    name: str
    memory_bytes: int


@dataclass(frozen=True)
class Inventory:
    """``reason`` says why there are none; empty if there are."""

    gpus: tuple[Gpu, ...]
    reason: str


def take_inventory() -> Inventory:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Inventory((), f"no NVIDIA driver answers: {error}")
    try:
        gpus = tuple(_gpu(index) for index in range(pynvml.nvmlDeviceGetCount()))
        return Inventory(gpus, "" if gpus else "the NVIDIA driver knows no GPU")
    except pynvml.NVMLError as error:
        return Inventory((), f"the NVIDIA driver failed: {error}")
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    return Gpu(
        uuid=pynvml.nvmlDeviceGetUUID(handle),
        name=pynvml.nvmlDeviceGetName(handle),
        memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
    )
