"""Kong's declarative file to a setting, and what is said of all the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.kong_import import convert
from wsgi_lambda.kong_import.notes import Kind, report
from wsgi_lambda.kong_import.other_plugins import HARMLESS, PROTECTING
from wsgi_lambda.kong_import.variables import Joined, Variable, mark_templates, read_value
from wsgi_lambda.kong_import.writer import as_json, as_python
from wsgi_lambda.options import OPTIONS

ROOT = Path(__file__).resolve().parents[3]
CALL = {"function_name": "f"}
PLUGIN: dict[str, Any] = {"name": "aws-lambda", "config": CALL}


def kong(text: str = "", version: str = "3.0", **document: Any) -> dict[str, Any]:
    """Return a document of ``version``: what the YAML in ``text`` says, and ``document``."""
    return {"_format_version": version, **(yaml.safe_load(mark_templates(text)) or {}), **document}


def routes(text: str = "", **document: Any) -> dict[str, Any]:
    """Return the routes of the setting that is made."""
    found: dict[str, Any] = convert(kong(text, **document)).setting["routes"]
    return found


def notes(text: str = "", **document: Any) -> list[tuple[Kind, str, str]]:
    """Return what is said, but for the difference that holds for every plugin."""
    found = convert(kong(text, **document)).notes
    return [(n.kind, n.place, n.text) for n in found if n.place != "aws-lambda"]


def places(kind: Kind, text: str = "", **document: Any) -> list[str]:
    return [place for own, place, _ in notes(text, **document) if own is kind]


def route(*plugins: dict[str, Any], path: str = "/", **fields: Any) -> dict[str, Any]:
    return {"paths": [path], "plugins": [PLUGIN, *plugins], **fields}


def config(**options: Any) -> dict[str, Any]:
    """Return the entry that a plugin with these options becomes."""
    plugin = {"name": "aws-lambda", "config": {**CALL, **options}}
    entry: dict[str, Any] = routes(routes=[{"paths": ["/"], "plugins": [plugin]}])["/"]
    return entry


def config_notes(**options: Any) -> list[tuple[Kind, str, str]]:
    plugin = {"name": "aws-lambda", "config": {**CALL, **options}}
    return notes(routes=[{"paths": ["/"], "plugins": [plugin]}])


@pytest.mark.parametrize("version", ["1.1", "2.1", "3.0"])
@pytest.mark.parametrize(
    "text",
    [
        "routes: [{paths: [/a], plugins: [{name: aws-lambda, config: {function_name: f}}]}]",
        """
services:
- name: s
  routes: [{paths: [/a], plugins: [{name: aws-lambda, config: {function_name: f}}]}]
""",
        """
services:
- routes: [{paths: [/a]}]
  plugins: [{name: aws-lambda, config: {function_name: f}}]
""",
        """
services: [{name: s}]
routes: [{name: r, service: s, paths: [/a]}]
plugins: [{name: aws-lambda, service: {name: s}, config: {function_name: f}}]
""",
        """
routes: [{id: 1-2, paths: [/a]}]
plugins: [{name: aws-lambda, route: {id: 1-2}, config: {function_name: f}}]
""",
        """
routes: [{paths: [/a]}]
plugins: [{name: aws-lambda, config: {function_name: f}}]
""",
    ],
    ids=["nested", "in a service", "on the service", "top by name", "top by id", "global"],
)
def test_plugin_is_found_wherever_it_stands(text: str, version: str) -> None:
    assert routes(text, version=version) == {"/a": CALL}


@pytest.mark.parametrize(
    ("version", "given"),
    [("3.0", 3.0), ("2.1", 2.1), ("1.1", 1.1)],
)
def test_version_may_be_a_number(version: str, given: float) -> None:
    assert convert({"_format_version": given}) == convert({"_format_version": version})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "Kong's file must be a mapping, not list"),
        ({}, "_format_version: must be one of 1.1, 2.1, 3.0"),
        (kong(version="4.0"), "_format_version: must be one of 1.1, 2.1, 3.0"),
        (kong(services={}), None),
        (kong(services={"a": 1}), "services: must be a list of mappings"),
        (kong(routes=["a"]), "routes: must be a list of mappings"),
        (kong(services=[{"routes": "a"}]), r"services\[0\].routes: must be a list of mappings"),
        (
            kong(routes=[{"plugins": [{"name": "aws-lambda", "config": "a"}]}]),
            r"routes\[0\].plugins\[0\] \(aws-lambda\): config: must be a mapping",
        ),
        (
            kong(routes=[{"plugins": [{"_config": []}]}], _plugin_configs=[]),
            r"routes\[0\].plugins\[0\]: _config: not in _plugin_configs",
        ),
        (
            kong(routes=[{"plugins": [{"name": "aws-lambda", "_config": "a"}]}]),
            r"routes\[0\].plugins\[0\] \(aws-lambda\): _config: not in _plugin_configs",
        ),
    ],
)
def test_file_that_is_none_of_kongs(document: Any, message: str | None) -> None:
    if message is None:
        assert convert(document).setting == {"routes": {}}
    else:
        with pytest.raises(ConfigError, match=message):
            convert(document)


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({}, ["/"]),
        ({"paths": None}, ["/"]),
        ({"paths": ["/"]}, ["/"]),
        ({"paths": ["/a", "/b/"]}, ["/a", "/b"]),
        ({"paths": ["/a", "/a/"]}, ["/a"]),
        ({"paths": "/a"}, ["/a"]),
        ({"paths": ["/caf%C3%A9"]}, ["/café"]),
        ({"paths": ["~/a$", "/b"]}, ["/b"]),
        ({"paths": ["~/a$"]}, []),
        ({"paths": ["/${{ env 'DECK_P' }}", 1]}, []),
        ({"protocols": ["grpc"]}, []),
        ({"expression": 'http.path == "/a"'}, []),
    ],
)
def test_each_path_is_an_entry(fields: dict[str, Any], paths: list[str]) -> None:
    fields = yaml.safe_load(mark_templates(yaml.safe_dump(fields)))
    assert list(routes(routes=[{**fields, "plugins": [PLUGIN]}])) == paths


@pytest.mark.parametrize(
    ("version", "path", "is_carried"),
    [
        ("1.1", "/a.b_c~d%20/-", True),
        ("1.1", r"/a\d+", False),
        ("2.1", "/a/(?<id>.*)", False),
        ("2.1", "/a$", False),
        ("3.0", "/a$", True),
        ("3.0", "~/a", False),
    ],
)
def test_regular_expression_is_told_as_the_version_tells_it(
    version: str, path: str, is_carried: bool
) -> None:
    document = kong(version=version, routes=[route(path=path)])
    found = convert(document)
    assert bool(found.setting["routes"]) == is_carried
    assert any("a regular expression" in str(note) for note in found.notes) != is_carried


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", ""),
        ("/a", "'/a' in Kong took '/ax' as well"),
        ("/a/", "did not take '/a' itself"),
        ("/a%2Fb", "Kong tells %2F"),
    ],
)
def test_wider_and_narrower_reach_is_told(path: str, told: str) -> None:
    found = notes(routes=[route(path=path)])
    assert bool(found) == bool(told)
    for kind, place, text in found:
        assert (kind, place) == (Kind.DIFFERENCE, "routes[0].paths[0]")
        assert told in text


def test_methods_and_hosts_are_carried_over() -> None:
    entry = routes(routes=[route(methods=["GET"], hosts=["a.test", "*.b.test"])])["/"]
    assert entry == {"methods": ["GET"], "hosts": ["a.test", "*.b.test"], **CALL}


@pytest.mark.parametrize(
    ("fields", "kind", "place"),
    [
        ({"protocols": ["https"]}, Kind.PROTECTION, "protocols"),
        ({"protocols": ["http"]}, Kind.DIFFERENCE, "protocols"),
        ({"protocols": ["tcp"]}, Kind.LEFT_OUT, "protocols"),
        ({"headers": {"x": ["1"]}}, Kind.PROTECTION, "headers"),
        ({"snis": ["a.test"]}, Kind.PROTECTION, "snis"),
        ({"sources": [{"ip": "10.0.0.0/8"}]}, Kind.PROTECTION, "sources"),
        ({"destinations": [{"port": 1}]}, Kind.PROTECTION, "destinations"),
        ({"expression": "true"}, Kind.LEFT_OUT, "expression"),
        ({"brand_new": 1}, Kind.LEFT_OUT, "brand_new"),
    ],
)
def test_condition_that_has_no_option_is_told(
    fields: dict[str, Any], kind: Kind, place: str
) -> None:
    found = notes(routes=[route(**fields)])
    assert [(kind, place) for kind, place, _ in found] == [(kind, f"routes[0].{place}")]


def test_fields_that_make_no_difference_are_not_told() -> None:
    fields = {"strip_path": True, "preserve_host": True, "tags": ["a"], "protocols": None}
    assert notes(routes=[route(**fields, headers=None, regex_priority=0)]) == []


BOUND = {
    "consumer, route, service": {"consumer": "c", "route": "r", "service": "s"},
    "consumer, route": {"consumer": "c", "route": "r"},
    "consumer, service": {"consumer": "c", "service": "s"},
    "consumer": {"consumer": "c"},
}
FOR_ALL = {
    "route, service": {"route": "r", "service": "s"},
    "route": {"route": "r"},
    "service": {"service": "s"},
    "global": {},
}


def bound(names: list[str], **fields: Any) -> dict[str, Any]:
    """Return a document whose only route has a plugin, named for it, of each scope."""
    scopes = {**BOUND, **FOR_ALL}
    plugins = [
        {"name": "aws-lambda", "config": {"function_name": f"f{n}"}, **scopes[name], **fields}
        for n, name in enumerate(names)
    ]
    return {
        "services": [{"name": "s"}],
        "routes": [{"name": "r", "service": "s", "paths": ["/"]}],
        "consumers": [{"username": "c"}, {"username": "d"}],
        "plugins": plugins,
    }


@pytest.mark.parametrize("scopes", [BOUND, FOR_ALL], ids=["consumer", "everybody"])
def test_most_specific_plugin_runs(scopes: dict[str, Any]) -> None:
    names = list(scopes)
    for first in range(len(names)):
        entry = routes(**bound(names[first:][::-1]))["/"]
        assert entry["function_name"] == f"f{len(names) - first - 1}"


def test_plugin_of_a_consumer_is_an_entry_beside_that_of_the_route() -> None:
    assert routes(**bound(["consumer", "route"]))["/"] == [
        {"consumers": ["c"], "function_name": "f0"},
        {"function_name": "f1"},
    ]


def test_route_and_service_together_win_over_a_consumer() -> None:
    document = bound(["consumer", "route, service"])
    assert routes(**document)["/"] == {"function_name": "f1"}
    assert places(Kind.LEFT_OUT, **document) == ["plugins[0] (aws-lambda)"]


def test_consumer_without_user_name_has_its_custom_id() -> None:
    consumers = [{"custom_id": "c", "plugins": [PLUGIN]}]
    document = {"routes": [{"paths": ["/"]}], "consumers": consumers}
    assert routes(**document)["/"] == {"consumers": ["c"], **CALL}
    assert places(Kind.DIFFERENCE, **document) == ["consumers[0]"]
    # Others were proxied.
    assert places(Kind.LEFT_OUT, **document) == ["routes[0]"]


def test_disabled_plugin_makes_way_for_a_less_specific_one() -> None:
    document = bound(["route", "service"])
    document["plugins"][0]["enabled"] = False
    assert routes(**document)["/"] == {"function_name": "f1"}
    assert (Kind.LEFT_OUT, "plugins[0] (aws-lambda)", "disabled in Kong") in notes(**document)


def test_route_of_a_disabled_service_is_left_out() -> None:
    services = [{"enabled": False, "routes": [route()]}]
    assert routes(services=services) == {}
    assert "services[0].routes[0]" in places(Kind.LEFT_OUT, services=services)


@pytest.mark.parametrize("parent", ["service", "route", "consumer"])
def test_parent_that_is_not_in_the_file_is_told(parent: str) -> None:
    document = {"routes": [route()], "plugins": [{"name": "key-auth", parent: "nobody"}]}
    assert places(Kind.LEFT_OUT, **document) == ["plugins[0] (key-auth)"]


def test_group_of_consumers_is_left_out() -> None:
    document = {
        "routes": [route()],
        "consumer_groups": [{"name": "g", "plugins": [PLUGIN, {"name": "acl"}]}],
        "plugins": [{**PLUGIN, "consumer_group": "g"}],
    }
    assert routes(**document) == {"/": CALL}
    assert places(Kind.LEFT_OUT, **document) == [
        "consumer_groups[0] (g).plugins[0] (aws-lambda)",
        "plugins[0] (aws-lambda)",
        "consumer_groups[0] (g)",
    ]
    assert places(Kind.PROTECTION, **document) == ["consumer_groups[0] (g).plugins[1] (acl)"]


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"timeout": 60000.0, "keepalive": None, "port": 443, "log_type": "Tail"}, {}),
        ({"aws_imds_protocol_version": "v1", "awsgateway_compatible": False}, {}),
        ({"timeout": 1000.0}, {"timeout": 1000}),
        ({"forward_request_body": True}, {"forward_request_body": True}),
        ({"forward_request_body": False}, {}),
        ({"unhandled_status": 150}, {}),
        ({"unhandled_status": 412}, {"unhandled_status": 412}),
        ({"skip_large_bodies": False}, {"skip_large_bodies": False}),
        ({"empty_arrays_mode": "legacy"}, {"empty_arrays_mode": "legacy"}),
        ({"disable_https": True}, {"disable_https": True, "port": 443}),
        ({"disable_https": True, "port": 80}, {"disable_https": True, "port": 80}),
        ({"port": 8443}, {"port": 8443}),
        ({"methods": ["GET"], "brand_new": 1}, {}),
        ({"aws_key": "AKID", "aws_secret": "s"}, {"aws_key": "AKID", "aws_secret": "s"}),
    ],
)
def test_options_are_carried_over(given: dict[str, Any], options: dict[str, Any]) -> None:
    assert config(**given) == {**CALL, **options}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"brand_new": None, "timeout": 60000, "port": 443}, None),
        ({"aws_imds_protocol_version": "v1", "awsgateway_compatible": False}, None),
        ({"brand_new": 1}, Kind.LEFT_OUT),
        ({"strip_path": True}, Kind.LEFT_OUT),
        ({"unhandled_status": 199}, Kind.LEFT_OUT),
        ({"aws_secret": "hunter2"}, Kind.ADVICE),
        ({"aws_secret": "{vault://aws/hunter2}"}, Kind.LEFT_OUT),
    ],
)
def test_option_that_is_not_carried_over_is_told(given: dict[str, Any], kind: Kind | None) -> None:
    found = config_notes(**given)
    assert [kind for kind, _, _ in found] == ([kind] if kind else [])
    assert all(place.endswith(f"config.{[*given][-1]}") for _, place, _ in found)
    assert "hunter2" not in str(found)


def test_role_session_has_kongs_name() -> None:
    entry = config(aws_assume_role_arn="arn:aws:iam::123456789012:role/r")
    wanted = "kong" if "aws_assume_role_arn" in OPTIONS else None
    assert entry.get("aws_role_session_name") == wanted


def test_path_is_stripped_as_kong_strips_it_where_the_event_has_one() -> None:
    gateway = {"name": "aws-lambda", "config": {**CALL, "awsgateway_compatible": True}}
    for fields in ({}, {"strip_path": True}, {"strip_path": False}):
        entry = routes(routes=[{"paths": ["/a"], "plugins": [gateway], **fields}])["/a"]
        assert entry.get("strip_path", False) is fields.get("strip_path", True)
    assert "strip_path" not in routes(routes=[route(path="/a", strip_path=True)])["/a"]


@pytest.mark.parametrize(
    ("option", "value"), [("empty_arrays_mode", "correct"), ("aws_region", "us-east-1")]
)
def test_what_holds_for_every_plugin_is_told_once(option: str, value: str) -> None:
    given = [route(), route(path="/a/")]
    told = report(convert(kong(routes=given)).notes)
    assert len([line for line in told if option in line]) == 1
    plugin = {"name": "aws-lambda", "config": {**CALL, option: value}}
    told = report(convert(kong(routes=[{"plugins": [plugin]}])).notes)
    assert [line for line in told if option in line] == []


def test_shared_configuration_of_deck_lies_below_the_plugins_own() -> None:
    plugin = {"name": "aws-lambda", "_config": "x", "config": {"timeout": 1}}
    document = {
        "_plugin_configs": {"x": {"timeout": 2, **CALL}},
        "routes": [{"paths": ["/"], "plugins": [plugin]}],
    }
    assert routes(**document) == {"/": {**CALL, "timeout": 1}}


def test_fields_of_a_plugin_that_are_not_carried_over_are_told() -> None:
    plugin = {**PLUGIN, "ordering": {"before": {}}, "protocols": ["https"], "condition": None}
    assert [(kind, place) for kind, place, _ in notes(routes=[{"plugins": [plugin]}])] == [
        (Kind.LEFT_OUT, "routes[0].plugins[0] (aws-lambda): ordering"),
        (Kind.PROTECTION, "routes[0].plugins[0] (aws-lambda): protocols"),
    ]


@pytest.mark.parametrize("name", [*PROTECTING, "our-own-login"])
def test_plugin_that_guards_a_function_is_a_protection(name: str) -> None:
    assert places(Kind.PROTECTION, routes=[route({"name": name})]) == [
        f"routes[0].plugins[1] ({name})"
    ]


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_plugin_that_keeps_nobody_away_is_left_out(name: str) -> None:
    found = notes(routes=[route({"name": name})])
    assert [kind for kind, _, _ in found] == [Kind.LEFT_OUT]


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"plugins": [{"name": "jwt"}]}, Kind.PROTECTION),
        ({"plugins": [{"name": "jwt", "service": "s"}]}, Kind.PROTECTION),
        ({"plugins": [{"name": "jwt", "route": "r"}]}, Kind.PROTECTION),
        ({"consumers": [{"username": "c", "plugins": [{"name": "acl"}]}]}, Kind.PROTECTION),
        ({"consumers": [{"username": "c", "acls": [{"group": "g"}]}]}, Kind.PROTECTION),
        ({"keyauth_credentials": [{"key": "hunter2"}]}, Kind.PROTECTION),
        ({"plugins": [{"name": "jwt", "service": "other"}]}, Kind.LEFT_OUT),
        ({"plugins": [{"name": "jwt", "route": "r", "enabled": False}]}, Kind.LEFT_OUT),
        ({"upstreams": [{"name": "u"}]}, Kind.LEFT_OUT),
        ({"vaults": [{"name": "aws", "prefix": "a"}]}, Kind.LEFT_OUT),
        ({"_info": {"defaults": {"route": {}}}}, Kind.LEFT_OUT),
        ({"_info": {"select_tags": ["a"]}, "_transform": False, "_comment": "x"}, None),
        ({"consumers": [{"username": "c", "tags": ["t"], "acls": []}], "acls": []}, None),
        ({"vaults": [{"name": "env", "prefix": "e"}]}, None),
    ],
)
def test_what_else_the_file_holds_is_told(document: dict[str, Any], kind: Kind | None) -> None:
    base = {
        "services": [
            {"name": "s", "routes": [route(name="r")]},
            {"name": "other", "routes": [{"hosts": ["a.test"]}]},
        ]
    }
    before = notes(**base)
    found = [note for note in notes(**base, **document) if note not in before]
    assert [own for own, _, _ in found] == ([kind] if kind else [])
    assert "hunter2" not in str(found)


def test_what_guards_no_function_is_no_protection() -> None:
    services = [
        {"name": "s", "routes": [route(path="/a/")]},
        {"name": "other", "routes": [{"paths": ["/b"]}], "plugins": [{"name": "jwt"}]},
        {"name": "alone"},
    ]
    assert places(Kind.PROTECTION, services=services) == []
    assert places(Kind.LEFT_OUT, services=services) == [
        "services[1] (other).plugins[0] (jwt)",
        "services[1] (other).routes[0]",
        "services[2] (alone)",
    ]
    document = {"keyauth_credentials": [{"key": "k"}], "consumers": [{"acls": [{"group": "g"}]}]}
    assert places(Kind.LEFT_OUT, **document) == ["consumers[0].acls", "keyauth_credentials"]


@pytest.mark.parametrize(
    "fields",
    [
        {True: 1, "a": 2, "protocols": [{}]},
        {"hosts": [{}], "methods": "GET", "paths": [[]]},
        {"created_at": "now", "plugins": [{"name": [], True: 1, "b": 1, "protocols": [{}]}]},
    ],
)
def test_nonsense_is_told_not_raised(fields: dict[Any, Any]) -> None:
    assert notes(routes=[route(), {"plugins": [PLUGIN], **fields}])


def test_entries_of_one_path_stand_in_kongs_order() -> None:
    given = [
        route(path="/a/", name="plain", created_at=2),
        route(path="/a/", name="older", created_at=1),
        route(path="/a/", name="lost a condition", headers={"x": ["1"]}, methods=["GET"]),
        route(path="/a/", name="wild", hosts=["*.test"]),
        route(path="/a/", name="host", hosts=["a.test"]),
        route(path="/a", name="two", hosts=["a.test"], methods=["GET"]),
    ]
    for own in given:
        own["plugins"] = [{"name": "aws-lambda", "config": {"function_name": own["name"][:4]}}]
    names = [entry["function_name"] for entry in routes(routes=given)["/a"]]
    assert names == ["two", "host", "wild", "olde", "plai", "lost"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([route(path="/a/", hosts=["h"]), route(path="/a/b/")], "Kong asked it before '/a/b'"),
        ([route(path="/a/"), route(path="/a/b/", hosts=["h"])], ""),
        ([route(path="/a/", hosts=["h"]), route(path="/ab/")], ""),
        (
            [route(path="/a/"), {"paths": ["/a/b"]}],
            "reaches a function here",
        ),
        ([route(), {"hosts": ["h"]}], "reaches a function here"),
        ([route(path="/a/"), {"paths": ["/ab", "~/a"]}], ""),
        ([route(path="/a/", methods=["GET"]), {"paths": ["/a"], "methods": ["PUT"]}], ""),
        ([route(path="/a/", hosts=["h"]), {"paths": ["/a"], "hosts": ["i"]}], ""),
        (
            [route(path="/a/", hosts=["*.h"]), {"paths": ["/a"], "hosts": ["i.h"]}],
            "reaches a function here",
        ),
    ],
)
def test_requests_that_another_route_gets_are_told(given: list[dict[str, Any]], told: str) -> None:
    found = [text for kind, _, text in notes(routes=given) if kind is Kind.DIFFERENCE]
    changed = [text for text in found if "itself" not in text]
    assert bool(changed) == bool(told)
    assert all(told in text for text in changed)


def test_proxied_rest_of_a_route_with_a_function_for_a_consumer_is_told() -> None:
    plugin = {**PLUGIN, "route": "b", "consumer": "c"}
    given = [route(path="/a/", name="a"), {"name": "b", "paths": ["/a/b/"]}]
    document = {"routes": given, "consumers": [{"username": "c"}], "plugins": [plugin]}
    told = [text for _, place, text in notes(**document) if place == "routes[1] (b)"]
    assert any("'/a/b' lies below '/a' of routes[0] (a)" in text for text in told)
    assert "of other consumers" in told[-1]


def test_entry_for_a_consumer_that_overtakes_a_route_is_told() -> None:
    plugin = {**PLUGIN, "route": "b", "consumer": "c"}
    given = [route(name="a", methods=["GET"]), {"name": "b", "paths": ["/"]}]
    document = {"routes": given, "consumers": [{"username": "c"}], "plugins": [plugin]}
    told = "for its consumers it comes before routes[0] (a) at '/'; Kong asked that one first"
    assert (Kind.DIFFERENCE, "routes[1] (b)", told) in notes(**document)


def test_what_all_entries_share_stands_once() -> None:
    plugin = {"name": "aws-lambda", "config": {"aws_region": "us-east-1", "timeout": 1000, **CALL}}
    other = {"name": "aws-lambda", "config": {"aws_region": "us-east-1", **CALL}}
    document = kong(routes=[{"paths": ["/a", "/b"], "plugins": [plugin]}, {"plugins": [other]}])
    assert convert(document).setting == {
        "aws_region": "us-east-1",
        "routes": {
            "/a": {**CALL, "timeout": 1000},
            "/b": {**CALL, "timeout": 1000},
            "/": CALL,
        },
    }


@pytest.mark.parametrize(
    ("written", "value", "code"),
    [
        ('${{ env "DECK_X" }}', Variable("DECK_X"), 'os.environ["DECK_X"]'),
        ('"${{ env "DECK_X" }}"', Variable("DECK_X"), 'os.environ["DECK_X"]'),
        ("'${{env `DECK_X`}}'", Variable("DECK_X"), 'os.environ["DECK_X"]'),
        (
            'a-${{ env "DECK_X" }}-b',
            Joined(("a-", Variable("DECK_X"), "-b")),
            '"a-" + os.environ["DECK_X"] + "-b"',
        ),
        (
            '${{ env "DECK_X" | toInt }}',
            Variable("DECK_X", convert="toInt"),
            'int(os.environ["DECK_X"])',
        ),
        (
            '${{ env "DECK_X" | toFloat }}',
            Variable("DECK_X", convert="toFloat"),
            'float(os.environ["DECK_X"])',
        ),
        (
            '${{ env "DECK_X" | toBool }}',
            Variable("DECK_X", convert="toBool"),
            'os.environ["DECK_X"] in ("1", "t", "T", "true", "TRUE", "True")',
        ),
        ('"{vault://env/my-secret}"', Variable("MY_SECRET"), 'os.environ["MY_SECRET"]'),
        (
            '"{vault://env/my-secret/a-key}"',
            Variable("MY_SECRET", key="a-key"),
            'json.loads(os.environ["MY_SECRET"])["a-key"]',
        ),
        ('"{vault://mine/x}"', Variable("KONG_X"), 'os.environ["KONG_X"]'),
    ],
)
def test_variable_becomes_an_expression(written: str, value: object, code: str) -> None:
    text = f"""
vaults: [{{name: env, prefix: mine, config: {{prefix: kong_}}}}]
routes: [{{paths: [/], plugins: [{{name: aws-lambda, config: {{function_name: {written}}}}}]}}]
"""
    setting = convert(kong(text)).setting
    assert setting["routes"]["/"] == {"function_name": value}
    assert f'"function_name": {code},\n' in as_python(setting)


def test_variable_is_found_at_any_depth() -> None:
    given = {"a": ["⟪DECK_X⟫", 1.0, 1.5, None], "b": {"c": "{vault://env/y}"}}
    assert read_value(given, {"env": ""}) == {
        "a": [Variable("DECK_X"), 1, 1.5, None],
        "b": {"c": Variable("Y")},
    }


@pytest.mark.parametrize(
    "reference",
    [
        "{vault://aws/x}",
        "{vault://env/x?prefix=y}",
        "{vault://env/a/b/c}",
        "{vault://env/a.b}",
        "x{vault://env/a}",
    ],
)
def test_reference_that_is_not_to_the_environment_is_left_out(reference: str) -> None:
    assert config(qualifier=reference) == CALL
    ((kind, _, text),) = config_notes(qualifier=reference)
    assert (kind, text[:12]) == (Kind.LEFT_OUT, "from a vault")


def test_python_is_what_the_setting_is() -> None:
    setting = convert(
        kong(
            """
_comment: é and "quotes"
routes:
- paths: [/a]
  hosts: ['${{ env "DECK_HOST" }}', a.test]
  methods: [GET, POST]
  plugins:
  - name: aws-lambda
    config: {function_name: f, aws_key: '{vault://env/pair/key}', forward_request_uri: true}
- paths: [/a]
  plugins: [{name: aws-lambda, config: {function_name: g, keepalive: 5, host: "x\\"é"}}]
"""
        )
    ).setting
    assert (
        as_python(setting)
        == """\
import json
import os

WSGI_LAMBDA = {
    "routes": {
        "/a": [
            {
                "methods": ["GET", "POST"],
                "hosts": [os.environ["DECK_HOST"], "a.test"],
                "function_name": "f",
                "aws_key": json.loads(os.environ["PAIR"])["key"],
                "forward_request_uri": True,
            },
            {
                "function_name": "g",
                "host": "x\\"é",
                "keepalive": 5,
            },
        ],
    },
}
"""
    )


def test_nothing_is_a_setting_without_routes() -> None:
    setting = convert(kong()).setting
    assert as_python(setting) == 'WSGI_LAMBDA = {\n    "routes": {},\n}\n'
    assert as_json(setting) == '{\n  "routes": {}\n}\n'
    assert read_routes(setting, {}) == ()


def test_example_of_the_documentation_is_what_comes_out() -> None:
    text = (ROOT / "docs" / "kong.md").read_text(encoding="utf-8")
    source, code, told = re.findall(r"^```(?:yaml|python|text)\n(.*?)^```$", text, re.S | re.M)[:3]
    found = convert(kong(source))
    assert as_python(found.setting) == code
    assert report(found.notes) == told.splitlines()


def test_report_has_each_line_once_and_what_protects_first() -> None:
    given = route({"name": "cors"}, {"name": "acl"}, path="/a")
    lines = report(convert(kong(routes=[given])).notes)
    assert [line.partition(":")[0] for line in lines] == [
        "protection left behind",
        "left out",
        "difference",
        "difference",
        "advice",
    ]


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("timeout", 'int(os.environ["DECK_X"])'),
        ("port", 'int(os.environ["DECK_X"])'),
        ("unhandled_status", 'int(os.environ["DECK_X"])'),
        ("disable_https", 'os.environ["DECK_X"] in ("1", "t", "T", "true", "TRUE", "True")'),
        ("aws_region", 'os.environ["DECK_X"]'),
    ],
)
def test_variable_becomes_what_the_option_wants(option: str, code: str) -> None:
    """decK puts a template's bare text into the YAML, where it is a number or true."""
    text = f"""
routes:
- paths: [/]
  plugins:
  - {{name: aws-lambda, config: {{function_name: f, {option}: '${{{{ env "DECK_X" }}}}'}}}}
"""
    assert f'"{option}": {code},\n' in as_python(convert(kong(text)).setting)


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("""enabled: '${{ env "DECK_X" }}'""", "enabled"),
        ("protocols: [https]", "protocols"),
        ("protocols: [grpcs, https]", "protocols"),
    ],
)
def test_plugin_that_kong_kept_to_some_is_told_as_protection(field: str, place: str) -> None:
    text = f"""
routes:
- paths: [/]
  plugins: [{{name: aws-lambda, config: {{function_name: f}}, {field}}}]
"""
    found = convert(kong(text))
    told = [note.place for note in found.notes if note.kind is Kind.PROTECTION]
    assert told == [f"routes[0].plugins[0] (aws-lambda): {place}"]


def test_plugin_for_plain_http_alone_is_a_difference() -> None:
    text = """
routes:
- {paths: [/], plugins: [{name: aws-lambda, config: {function_name: f}, protocols: [http]}]}
"""
    kinds = {note.place: note.kind for note in convert(kong(text)).notes}
    assert kinds["routes[0].plugins[0] (aws-lambda): protocols"] is Kind.DIFFERENCE
