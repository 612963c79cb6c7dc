"""The list of routes: what is on it, with which parameters, and that all else is refused."""

from __future__ import annotations

import json

import pytest

from spawner.errors import CarrelError, Code
from spawner.node import filters, routes
from spawner.node.routes import Action, Match

NOT_OFFERED = [
    "POST /build",
    "POST /commit?container=x",
    "POST /images/create?fromImage=x",
    "POST /images/load",
    "DELETE /images/carrel/session-base:1",
    "GET /images/json",
    "GET /images/x/get",
    "GET /info",
    "POST /auth",
    "GET /containers/x/archive?path=/",
    "PUT /containers/x/archive?path=/",
    "POST /containers/x/attach",
    "GET /containers/x/attach/ws",
    "GET /containers/x/export",
    "POST /containers/x/exec",
    "POST /exec/x/start",
    "POST /containers/x/update",
    "POST /containers/x/rename?name=hub",
    "POST /containers/x/restart",
    "POST /containers/x/pause",
    "POST /containers/x/copy",
    "GET /containers/x/changes",
    "GET /containers/x/top",
    "GET /containers/x/stats",
    "POST /containers/prune",
    "GET /networks",
    "GET /networks/carrel-sessions",
    "POST /networks/create",
    "POST /networks/x/connect",
    "GET /volumes",
    "POST /volumes/create",
    "POST /plugins/pull?remote=x",
    "POST /plugins/x/enable",
    "POST /swarm/init",
    "POST /services/create",
    "GET /secrets",
    "POST /session",
    "POST /grpc",
    "GET /distribution/x/json",
    "POST /containers/x/json",
    "GET /containers/create",
    "PUT /containers/x/start",
    "POST /containers/json",
    "HEAD /containers/x/json",
    "GET /v2.0/version",
    "GET /v1.41/v1.41/version",
    "GET //version",
    "GET /version/",
    "GET /version/../containers/json",
    "GET /containers/x/json/../../../info",
    "GET /containers/..%2Finfo/json",
    "GET /containers/x%2f..%2fy/json",
    "GET /containers/x%00/json",
    "GET /containers/x%0a/json",
    "GET /containers/%C3%A9/json",
    "GET http://localhost/version",
    "OPTIONS *",
]


@pytest.mark.parametrize("line", NOT_OFFERED)
async def test_what_is_not_on_the_list_is_refused_before_the_engine(node, line):
    method, target = line.split(" ", 1)
    with pytest.raises(CarrelError) as caught:
        routes.match(method, target)
    assert caught.value.code is Code.REFUSED

    if target.startswith("/") and not target.startswith("//"):
        status, _ = await node.ask(method, target)
        assert status == 403
        assert node.engine.requests == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /version", Match(Action.VERSION, "", {})),
        ("GET /v1.44/_ping", Match(Action.PING, "", {})),
        ("GET /carrel/health", Match(Action.HEALTH, "", {})),
        (
            "GET /images/carrel/session-base:1/json",
            Match(Action.IMAGE, "carrel/session-base:1", {}),
        ),
        (
            "GET /v1.41/images/carrel%2Fsession-base%3A1/json",
            Match(Action.IMAGE, "carrel/session-base:1", {}),
        ),
        ("POST /containers/create?name=a-b_2e", Match(Action.CREATE, "", {"name": "a-b_2e"})),
        (
            "DELETE /containers/x?v=False&link=False&force=True",
            Match(Action.REMOVE, "x", {"v": "False", "force": "True"}),
        ),
        ("POST /containers/x/stop?t=0", Match(Action.STOP, "x", {"t": "0"})),
        ("POST /containers/x/kill?signal=SIGTERM", Match(Action.KILL, "x", {"signal": "SIGTERM"})),
        (
            "GET /containers/json?limit=-1&all=1&size=0&trunc_cmd=0",
            Match(Action.LIST, "", {"limit": "-1", "all": "1", "trunc_cmd": "0"}),
        ),
        (
            "GET /containers/x/logs?stdout=1&follow=0&tail=all&since=1.5",
            Match(Action.LOGS, "x", {"stdout": "1", "follow": "0", "tail": "all", "since": "1.5"}),
        ),
    ],
)
def test_what_docker_clients_send_is_understood(line, expected):
    method, target = line.split(" ", 1)

    assert routes.match(method, target) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("POST /containers/create?name=a&platform=linux%2Farm64", "platform"),
        ("POST /containers/create?name=../a", "name"),
        ("POST /containers/create?name=a&name=b", "twice"),
        ("DELETE /containers/x?link=1", "link"),
        ("POST /containers/x/start?checkpoint=c&checkpoint-dir=/", "checkpoint"),
        ("POST /containers/x/stop?t=-1", "t is not"),
        ("POST /containers/x/kill?signal=9%3Brm", "signal"),
        ("GET /containers/json?size=1", "size"),
        ("GET /containers/x/logs?tail=-1", "tail"),
        ("GET /version?" + "&".join(f"a{i}=0" for i in range(40)), "too many"),
    ],
)
def test_a_parameter_that_is_not_listed_or_out_of_form_is_refused(line, reason):
    method, target = line.split(" ", 1)

    with pytest.raises(CarrelError, match=reason) as caught:
        routes.match(method, target)

    assert caught.value.code is Code.REFUSED


def test_filters_always_hold_this_installation():
    assert json.loads(filters.rebuild("", filters.FOR_LIST, "carrel")) == {
        "label": ["carrel.project=carrel", "carrel.session"]
    }


def test_filters_of_the_caller_only_narrow_down():
    given = json.dumps({"label": ["carrel.user=ann@x"], "status": ["running"]})

    assert json.loads(filters.rebuild(given, filters.FOR_LIST, "carrel")) == {
        "label": ["carrel.user=ann@x", "carrel.project=carrel", "carrel.session"],
        "status": ["running"],
    }


def test_a_forced_filter_wins_over_the_callers():
    rebuilt = filters.rebuild('{"event": ["die"]}', filters.FOR_EVENTS, "carrel", event=["oom"])

    assert json.loads(rebuilt)["event"] == ["oom"]


@pytest.mark.parametrize(
    "given",
    [
        '{"type": ["image"]}',
        '{"volume": ["x"]}',
        '{"label": {"carrel.user=ann": true}}',
        '{"label": "carrel.user=ann"}',
        '{"label": ["com.docker.compose.project"]}',
        '{"label": [1]}',
        '{"status": ["a b"]}',
        '{"label!": ["carrel.session"]}',
    ],
)
def test_filters_that_are_not_known_are_refused(given):
    with pytest.raises(CarrelError) as caught:
        filters.rebuild(given, filters.FOR_LIST, "carrel")

    assert caught.value.code is Code.REFUSED


def test_only_events_of_a_sessions_end_can_be_listened_to():
    rebuilt = json.loads(filters.for_events("", "carrel"))
    assert rebuilt["type"] == ["container"] and set(rebuilt["event"]) == set(filters.EVENTS)
    assert rebuilt["label"] == ["carrel.project=carrel", "carrel.session"]
    narrowed = json.loads(filters.for_events('{"event": ["die"]}', "carrel"))
    assert narrowed["event"] == ["die"]


@pytest.mark.parametrize(
    "given",
    [
        '{"event": ["exec_create: sh"]}',
        '{"event": ["die", "top"]}',
        '{"event": ["start"]}',
        '{"event": "die"}',
        '{"event": {"die": true}}',
        '{"event": [["die"]]}',
        '{"type": ["image"]}',
    ],
)
def test_other_events_are_refused(given):
    with pytest.raises(CarrelError) as caught:
        filters.for_events(given, "carrel")
    assert caught.value.code is Code.REFUSED
