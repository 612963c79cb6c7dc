"""What a session's container is, whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spawner.confinement import GIB, MIB
from spawner.plan import COMMAND, Limits, Mount, Plan, Site, build
from spawner.profiles import Grant, Profile

SITE = Site(
    project="carrel",
    data_dir=Path("/srv/carrel"),
    network="carrel-sessions",
    pids=1024,
    shm_bytes=256 * MIB,
    log_mib=10,
    environment={"HTTPS_PROXY": "http://proxy.example:3128", "JUPYTERHUB_API_TOKEN": "wrong"},
)
PROFILE = Profile("small", "Small", "Light work.", "base", 1.5, GIB, GIB // 2)
GRANT = Grant("0123456789ab", "ada@uni.example", PROFILE, "carrel/session-base:1")


def test_a_plan_says_everything() -> None:
    assert build(GRANT, SITE, {"JUPYTERHUB_API_TOKEN": "its own"}) == Plan(
        name="carrel-ada_40uni_2eexample-0123456789ab",
        image="carrel/session-base:1",
        command=COMMAND,
        environment={
            "HTTPS_PROXY": "http://proxy.example:3128",
            "JUPYTERHUB_API_TOKEN": "its own",
            "HOME": "/content",
            "SHELL": "/bin/bash",
        },
        limits=Limits(
            memory_bytes=GIB,
            nano_cpus=1_500_000_000,
            pids=1024,
            shm_bytes=256 * MIB,
            log_mib=10,
        ),
        mounts=(Mount(Path("/srv/carrel/homes/ada_40uni_2eexample"), "/content"),),
        network="carrel-sessions",
        labels={
            "carrel.project": "carrel",
            "carrel.session": "0123456789ab",
            "carrel.user": "ada@uni.example",
            "carrel.profile": "small",
        },
    )


def test_the_server_is_root_at_content_with_bash() -> None:
    assert COMMAND == (
        "jupyterhub-singleuser",
        "--allow-root",
        "--ServerApp.root_dir=/content",
        "--ServerApp.default_url=/lab",
        "--HubOAuth.cache_max_age=30",
        "--ServerApp.terminado_settings=shell_command=/bin/bash",
    )


def test_a_session_sees_its_users_drive_inside_the_home() -> None:
    plan = build(replace(GRANT, drive=True, courses=("ml",)), SITE, {})
    assert [(str(mount.source), mount.target) for mount in plan.mounts] == [
        ("/srv/carrel/homes/ada_40uni_2eexample", "/content"),
        ("/srv/carrel/drive/ada_40uni_2eexample", "/content/drive"),
        ("/srv/carrel/courses/ml/shared", "/opt/carrel/courses/ml"),
    ]
    assert not plan.mounts[1].read_only
