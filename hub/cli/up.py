"""From a clone to a running Carrel; run again, it changes only what differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.cli import build, compose, debian, health, look, mirrors, recipe, shell, site
from hub.cli.deployment import Deployment
from hub.cli.progress import Progress, console, heading, warning
from hub.cli.survey import Found, survey
from hub.settings import Settings
from spawner.errors import CarrelError, Code

HEALTHY_WITHIN_S = 180


@dataclass(frozen=True)
class Options:
    """What the command line may ask of ``up``."""

    install: bool = True
    lan: bool | None = None
    """Listen on all addresses; None: as last time."""


def up(options: Options) -> None:
    """Looks, installs an engine if there is none, builds, starts, waits, says where to go.

    Raises CarrelError(BAD_INPUT) before anything is changed, or (FAILED) with what to look at.
    """
    progress = Progress()
    settings = site.settings(lan=options.lan)
    site.require_same_data_dir(settings)
    if settings.demo:
        # Anybody would log in as anybody, as the admin who is there already too.
        site.require_demo(settings.data_dir)
    found = survey(settings, install=options.install, say=progress.say)
    heading("Images")
    where = mirrors.find(settings.images.debian_mirror, warn=warning)
    plan = _recipe(settings, found, where, progress)
    deployment = Deployment(
        settings=settings,
        machine=found.machine,
        engine=found.engine,
        compose_version=found.compose.version,
        references=plan.processes,
        families=plan.families,
        drive_image=plan.drive,
        proxies=dict(where.proxies),
    )
    builder = build.Builder(
        logs=settings.data_dir / "logs", proxies=deployment.proxies, say=progress.say
    )
    builder.ensure([plan.base])
    builder.ensure(list(plan.first))
    builder.ensure(list(plan.then))
    site.remember_lan(settings, options.lan)
    _start(deployment, found.compose, progress)
    _welcome(settings, progress)
    _build_the_rest(builder, plan, progress)


def _recipe(
    settings: Settings, found: Found, where: mirrors.Mirrors, progress: Progress
) -> recipe.Recipe:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    debian_id = debian.ensure_debian(
        where,
        debian.Site(settings.data_dir / "debootstrap", found.may_install),
        pull_timeout_s=settings.images.registry_timeout_s,
        say=progress.say,
    )
    return recipe.decide(site.ROOT, settings, where, debian_id, gpu=bool(found.machine.gpus))


def project(settings: Settings, found: compose.Compose, env_file: Path) -> compose.Project:
    """The Compose project of this installation."""
    profiles = (
        *(("postgres",) if settings.database.backend == "postgres" else ()),
        *(("demo",) if settings.demo else ()),
    )
    return compose.Project(
        found, settings.project, site.ROOT / "docker-compose.yml", env_file, profiles
    )


def _start(deployment: Deployment, found: compose.Compose, progress: Progress) -> None:
    settings = deployment.settings
    deployment.write()
    heading("Processes")
    log = settings.data_dir / "logs" / "compose.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    code = project(settings, found, deployment.env_file).call(
        ["up", "--detach", "--no-build", "--remove-orphans"], log
    )
    if code != 0:
        last = "\n  ".join(log.read_text(errors="replace").strip().splitlines()[-10:])
        raise CarrelError(
            Code.FAILED, f"Compose could not start Carrel:\n  {last}\n", f"The whole log: {log}"
        )
    health.wait(settings, HEALTHY_WITHIN_S, progress.say)
    progress.say("all processes answer")


def _welcome(settings: Settings, progress: Progress) -> None:
    heading(f"Carrel is up: {settings.public_url}")
    if settings.server.bind == "0.0.0.0" and (address := look.lan_address()):  # noqa: S104
        console.print(f"From other machines: http://{address}:{settings.server.port}")
    if settings.demo:
        _inside(settings, "demo-people")
        console.print(
            "This is a demo: log in as its admin, teacher or students with one click.\n"
            "./carrel demo --reset starts it over, ./carrel demo --down ends it."
        )
    elif link := _inside(settings, "admin-link", "--if-no-admin"):
        console.print("Make the first admin's account with this link (one use):")
        console.print(link, soft_wrap=True, markup=False)


def _inside(settings: Settings, *verb: str) -> str:
    """What a verb in the hub container prints. Raises CarrelError(FAILED)."""
    hub = site.container(settings, "hub")
    answer = shell.run(["docker", "exec", hub, "python", "-m", "hub.cli", *verb])
    if not answer.ok:
        raise CarrelError(
            Code.FAILED,
            f"Nobody can be let in yet (./carrel {' '.join(verb)}): {answer.last_line}",
            "./carrel logs hub says more; then run the same again.",
        )
    return answer.out.strip()


def _build_the_rest(builder: build.Builder, plan: recipe.Recipe, progress: Progress) -> None:
    missing = [b for b in plan.later if not build.present(b.reference)]
    if missing:
        heading("Further images (Carrel can be used meanwhile)")
        for item in missing:
            builder.ensure([item])
    progress.say("everything is in place")
