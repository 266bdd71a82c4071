"""Kubernetes manifests are read as Kong's ingress controller reads them."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.unit.kong_import.kong_files import MISSING
from wsgi_lambda.config import read_routes
from wsgi_lambda.errors import ConfigError
from wsgi_lambda.kong_import import Import, convert_all
from wsgi_lambda.kong_import.notes import Kind
from wsgi_lambda.kong_import.variables import mark_templates

PLUGIN = """
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: f, namespace: shop}
plugin: aws-lambda
config: {function_name: f, aws_region: eu-west-1, is_proxy_integration: true}
"""
OTHER = PLUGIN.replace("name: f,", "name: login,", 1).replace("aws-lambda", "key-auth")
FUNCTION = {"function_name": "f", "aws_region": "eu-west-1", "is_proxy_integration": True}


def ingress(
    *paths: dict[str, Any],
    host: str = "",
    annotations: dict[str, str] | None = None,
    service: str = "s",
    **spec: Any,
) -> str:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    rule = {"host": host} if host else {}
    rule["http"] = {"paths": [{"backend": backend, **path} for path in paths]}  # type: ignore[assignment]
    return manifest(
        "networking.k8s.io/v1", "Ingress", annotations, {"rules": [rule] * bool(paths), **spec}
    )


def http_route(
    *rules: dict[str, Any], annotations: dict[str, str] | None = None, **spec: Any
) -> str:
    return manifest(
        "gateway.networking.k8s.io/v1", "HTTPRoute", annotations, {"rules": list(rules), **spec}
    )


def manifest(
    api: str, kind: str, annotations: dict[str, str] | None, spec: dict[str, Any], **fields: Any
) -> str:
    own = {} if annotations is None else {f"konghq.com/{k}": v for k, v in annotations.items()}
    metadata = {
        "name": "shop",
        "namespace": "shop",
        "annotations": {"konghq.com/plugins": "f", **own},
    }
    document = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, **fields}
    return yaml.safe_dump(document)


def imported(*texts: str) -> Import:
    text = mark_templates("\n---\n".join(texts))
    return convert_all([("", document) for document in yaml.safe_load_all(text)])


def routes_of(*texts: str) -> dict[str, Any]:
    """Return the routes; they must be a valid configuration."""
    configuration = imported(*texts).configuration
    read_routes(configuration, {})
    found: dict[str, Any] = configuration["routes"]
    return found


def notes_of(*texts: str) -> list[tuple[Kind, str, str]]:
    notes = imported(*texts).notes
    return [(n.kind, n.place, n.text) for n in notes if not n.text.startswith(MISSING)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ({"path": "/a", "pathType": "Prefix"}, {"/a": FUNCTION}),
        ({"path": "/a/", "pathType": "Prefix"}, {"/a": FUNCTION}),
        ({"path": "/", "pathType": "Prefix"}, {"/": FUNCTION}),
        ({"pathType": "Prefix"}, {"/": FUNCTION}),
        ({"path": "/a.b", "pathType": "Exact"}, {"/a.b": {"exact": True, **FUNCTION}}),
        ({"path": "/a", "pathType": "ImplementationSpecific"}, {"/a": FUNCTION}),
        ({"path": "/a"}, {"/a": FUNCTION}),
        ({"path": r"/~/a/(?<id>\d+)$"}, {"/a/{id}": FUNCTION}),
        ({"path": "/~/a/[^/]+/?$", "pathType": "Prefix"}, {"/a/{param1}": FUNCTION}),
    ],
    ids=str,
)
def test_path_type_of_an_ingress(path: dict[str, str], expected: dict[str, Any]) -> None:
    assert routes_of(PLUGIN, ingress(path)) == expected


def test_prefix_of_an_ingress_matches_as_here() -> None:
    assert notes_of(PLUGIN, ingress({"path": "/a", "pathType": "Prefix"})) == []


@pytest.mark.parametrize(
    ("annotations", "options"),
    [
        ({"methods": "get, POST"}, {"methods": ["GET", "POST"]}),
        ({"headers.X-Tier": "gold, silver"}, {"headers": {"X-Tier": ["gold", "silver"]}}),
        (
            {"headers.x": "a,b;c", "headers-separator": ";"},
            {"headers": {"x": ["a,b", "c"]}},
        ),
        ({"host-aliases": "b.test,c.test"}, {"hosts": ["a.test", "b.test", "c.test"]}),
        ({"preserve-host": "true", "retries": "3"}, {}),
    ],
    ids=str,
)
def test_annotations_of_an_ingress(annotations: dict[str, str], options: dict[str, Any]) -> None:
    text = ingress({"path": "/a", "pathType": "Prefix"}, host="a.test", annotations=annotations)
    expected = {"hosts": ["a.test"], **FUNCTION, **options}
    assert routes_of(PLUGIN, text) == {"/a": expected}
    assert notes_of(PLUGIN, text) == []


@pytest.mark.parametrize("value", ["true", "false", None])
@pytest.mark.parametrize("kind", ["Ingress", "HTTPRoute"])
def test_path_is_stripped_only_if_an_annotation_says_so(kind: str, value: str | None) -> None:
    gateway = PLUGIN.replace("{function_name", "{awsgateway_compatible: true, function_name")
    annotations = {} if value is None else {"strip-path": value}
    if kind == "Ingress":
        text = ingress({"path": "/a"}, annotations=annotations)
    else:
        match = {"path": {"type": "PathPrefix", "value": "/a"}}
        text = http_route({"matches": [match]}, annotations=annotations)
    assert routes_of(gateway, text)["/a"].get("strip_path", False) is (value == "true")


def test_path_of_a_service_is_added() -> None:
    gateway = PLUGIN.replace("{function_name", "{awsgateway_compatible: true, function_name")
    service = manifest("v1", "Service", {"path": "/v2"}, {}).replace("name: shop\n", "name: s\n")
    assert routes_of(gateway, service, ingress({"path": "/a"}))["/a"]["add_path"] == "/v2"


@pytest.mark.parametrize(
    ("annotations", "kind", "place"),
    [
        ({"protocols": "https"}, Kind.PROTECTION, "Ingress shop/shop.rules[0].paths[0].protocols"),
        ({"snis": "a.test"}, Kind.PROTECTION, "Ingress shop/shop.rules[0].paths[0].snis"),
        ({"rewrite": "/x"}, Kind.NOT_IMPORTED, "Ingress shop/shop: konghq.com/rewrite"),
        ({"override": "x"}, Kind.NOT_IMPORTED, "Ingress shop/shop: konghq.com/override"),
        ({"plugins": "f, other"}, Kind.PROTECTION, "Ingress shop/shop.rules[0].paths[0]"),
    ],
    ids=str,
)
def test_annotation_that_is_not_imported_is_noted(
    annotations: dict[str, str], kind: Kind, place: str
) -> None:
    path = {"path": "/a", "pathType": "Prefix"}
    assert [note[:2] for note in notes_of(PLUGIN, ingress(path, annotations=annotations))] == [
        (kind, place)
    ]


def test_forced_https_is_a_lost_protection() -> None:
    text = ingress({"path": "/a", "pathType": "Prefix"}).replace(
        "konghq.com/plugins",
        "ingress.kubernetes.io/force-ssl-redirect: 'true'\n    konghq.com/plugins",
    )
    assert [note[0] for note in notes_of(PLUGIN, text)] == [Kind.PROTECTION]


def test_default_backend_is_the_root() -> None:
    text = ingress(defaultBackend={"service": {"name": "s"}})
    assert routes_of(PLUGIN, text) == {"/": FUNCTION}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, {"/": FUNCTION}),
        ({"path": {"value": "/a"}}, {"/a": FUNCTION}),
        ({"path": {"type": "PathPrefix", "value": "/a"}}, {"/a": FUNCTION}),
        ({"path": {"type": "Exact", "value": "/a"}}, {"/a": {"exact": True, **FUNCTION}}),
        (
            {"path": {"type": "RegularExpression", "value": "/a/([^/]+)$"}},
            {"/a/{param1}": FUNCTION},
        ),
        ({"method": "PUT"}, {"/": {"methods": ["PUT"], **FUNCTION}}),
        (
            {
                "headers": [
                    {"name": "x", "value": "1"},
                    {"name": "y", "type": "Exact", "value": "2"},
                ]
            },
            {"/": {"headers": {"x": ["1"], "y": ["2"]}, **FUNCTION}},
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("reference", ["annotation", "filter"])
def test_match_of_an_http_route(
    match: dict[str, Any], expected: dict[str, Any], reference: str
) -> None:
    rule: dict[str, Any] = {"matches": [match]}
    annotations = None
    if reference == "filter":
        extension = {"group": "configuration.konghq.com", "kind": "KongPlugin", "name": "f"}
        rule["filters"] = [{"type": "ExtensionRef", "extensionRef": extension}]
        annotations = {"plugins": ""}
    rule["backendRefs"] = [{"name": "s", "port": 80}]
    assert routes_of(PLUGIN, http_route(rule, annotations=annotations)) == expected


def test_hostnames_and_several_matches_of_an_http_route() -> None:
    rule = {"matches": [{"path": {"value": "/a"}}, {"path": {"value": "/b"}}]}
    text = http_route(rule, {}, hostnames=["a.test", "*.b.test"])
    hosts = {"hosts": ["a.test", "*.b.test"], "function_name": "f"}
    assert {path: {**own, **hosts} == own for path, own in routes_of(PLUGIN, text).items()} == {
        "/a": True,
        "/b": True,
        "/": True,
    }


@pytest.mark.parametrize(
    ("match", "name"),
    [
        ({"queryParams": [{"name": "a", "value": "1"}]}, "query parameters"),
        ({"headers": [{"name": "x", "type": "RegularExpression", "value": "1|2"}]}, "headers"),
    ],
    ids=["query", "header"],
)
def test_match_without_an_option_is_a_lost_protection(match: dict[str, Any], name: str) -> None:
    found = notes_of(PLUGIN, http_route({"matches": [match]}))
    assert [note[:2] for note in found] == [
        (Kind.PROTECTION, f"HTTPRoute shop/shop.rules[0].matches[0].{name}")
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("RequestHeaderModifier", Kind.NOT_IMPORTED),
        ("ResponseHeaderModifier", Kind.NOT_IMPORTED),
        ("URLRewrite", Kind.NOT_IMPORTED),
        ("RequestMirror", Kind.NOT_IMPORTED),
        ("RequestRedirect", Kind.PROTECTION),
        ("Brandnew", Kind.PROTECTION),
    ],
)
def test_filter_of_an_http_route_is_noted(kind: str, expected: Kind) -> None:
    found = notes_of(PLUGIN, http_route({"filters": [{"type": kind}]}))
    assert [note[:2] for note in found] == [
        (expected, f"HTTPRoute shop/shop.rules[0].filters ({kind})")
    ]


def test_plugin_of_the_backends_service() -> None:
    service = manifest("v1", "Service", {"plugins": "login"}, {}).replace(
        "name: shop\n", "name: s\n"
    )
    found = notes_of(PLUGIN, OTHER, service, ingress({"path": "/a", "pathType": "Prefix"}))
    assert [note[:2] for note in found] == [(Kind.PROTECTION, "KongPlugin shop/login")]


def test_plugin_of_a_consumer() -> None:
    consumer = manifest("configuration.konghq.com/v1", "KongConsumer", None, {}, username="ann")
    entry = routes_of(PLUGIN, consumer, ingress({"path": "/a"}, annotations={"plugins": "f"}))
    assert entry["/a"] == {"consumers": ["ann"], **FUNCTION}
    entry = routes_of(PLUGIN, consumer, ingress({"path": "/a"}, annotations={"plugins": ""}))
    assert entry["/a"] == {"consumers": ["ann"], **FUNCTION}


def test_plugin_for_the_whole_cluster() -> None:
    cluster = PLUGIN.replace("KongPlugin", "KongClusterPlugin").replace(
        "namespace: shop", "labels: {global: 'true'}"
    )
    text = ingress({"path": "/a"}, annotations={"plugins": ""})
    assert routes_of(cluster, text) == {"/a": FUNCTION}
    assert routes_of(cluster.replace("'true'", "'false'"), ingress({"path": "/a"})) == {
        "/a": FUNCTION
    }


@pytest.mark.parametrize(
    ("written", "is_found"),
    [("f", True), ("shop:f", True), ("other:f", False), ("g", False), (" f ,f,", True)],
)
def test_plugin_is_found_by_name_and_namespace(written: str, is_found: bool) -> None:
    text = ingress({"path": "/a"}, annotations={"plugins": written})
    assert bool(routes_of(PLUGIN, text)) is is_found


def test_annotation_of_an_old_controller() -> None:
    text = ingress({"path": "/a"}).replace("konghq.com/plugins", "plugins.konghq.com")
    assert routes_of(PLUGIN, text) == {"/a": FUNCTION}


def test_plugin_without_a_reference_or_with_a_secret_is_noted() -> None:
    secret = PLUGIN.replace("config:", "configFrom: {secretKeyRef: {name: s}}\nx:").replace(
        "x: {function_name", "config: {function_name"
    )
    found = [
        note[:2] for note in notes_of(secret, OTHER, ingress({"path": "/a", "pathType": "Prefix"}))
    ]
    assert found == [
        (Kind.NOT_IMPORTED, "KongPlugin shop/f.configFrom"),
        (Kind.NOT_IMPORTED, "KongPlugin shop/login"),
    ]


def test_disabled_plugin_does_not_run() -> None:
    found = imported(f"{PLUGIN}disabled: true\n", ingress({"path": "/a"}))
    assert found.configuration["routes"] == {}
    assert "disabled in Kong" in [note.text for note in found.notes]


def test_manifests_that_concern_requests_are_noted_others_ignored() -> None:
    gateway = manifest("gateway.networking.k8s.io/v1", "Gateway", None, {})
    deployment = manifest("apps/v1", "Deployment", None, {})
    found = notes_of(PLUGIN, gateway, deployment, ingress({"path": "/a", "pathType": "Prefix"}))
    assert found == [(Kind.NOT_IMPORTED, "Gateway shop/shop", "no equivalent here")]


def test_list_of_manifests() -> None:
    items = [yaml.safe_load(text) for text in (PLUGIN, ingress({"path": "/a"}))]
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})
    assert routes_of(text) == {"/a": FUNCTION}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([PLUGIN, PLUGIN], "KongPlugin shop/f: has the same name as another one in the file"),
        (["apiVersion: v1\nkind: Service"], "manifest: must be a mapping with metadata"),
        (
            ["apiVersion: v1\nkind: List\nitems: [1]"],
            "manifest: must be a mapping with metadata",
        ),
    ],
    ids=["twice", "no metadata", "list of numbers"],
)
def test_invalid_manifests_are_rejected(texts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        imported(*texts)


@pytest.mark.parametrize("priority", ["5", "high"])
def test_priority_of_an_ingress_may_be_invalid(priority: str) -> None:
    text = ingress({"path": "/~/a/[^/]+/?$"}, annotations={"regex-priority": priority})
    assert routes_of(PLUGIN, text)


def test_ingress_and_declarative_file_together() -> None:
    declarative = """
_format_version: '3.0'
routes: [{paths: [/b], plugins: [{name: aws-lambda, config: {function_name: g}}]}]
"""
    found = imported(declarative, PLUGIN, ingress({"path": "/a"}))
    assert sorted(found.configuration["routes"]) == ["/a", "/b"]


def test_manifests_of_other_namespaces_stay_apart() -> None:
    other = PLUGIN.replace("namespace: shop", "namespace: other").replace(
        "function_name: f", "function_name: g"
    )
    text = ingress({"path": "/b"}).replace("namespace: shop", "namespace: other")
    functions = {
        path: own["function_name"]
        for path, own in routes_of(PLUGIN, other, ingress({"path": "/a"}), text).items()
    }
    assert functions == {"/a": "f", "/b": "g"}


def test_plugin_of_the_namespace_comes_before_that_of_the_cluster() -> None:
    cluster = PLUGIN.replace("KongPlugin", "KongClusterPlugin").replace("name: f}", "name: g}")
    assert routes_of(cluster, PLUGIN, ingress({"path": "/a"})) == {"/a": FUNCTION}


def places_in(value: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each value inside ``value``."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*place, key)
        if isinstance(item, (dict, list)):
            yield from places_in(item, *place, key)


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, [None], [[1]], {"a": 1}], ids=str)
def test_value_of_a_wrong_type_is_no_other_exception(junk: object) -> None:
    extension = {"type": "ExtensionRef", "extensionRef": {"name": "f"}}
    match = {"path": {"type": "Exact", "value": "/a"}, "headers": [{"name": "x", "value": "1"}]}
    rule = {"matches": [match], "filters": [extension], "backendRefs": [{"name": "s"}]}
    annotations = {"methods": "GET", "headers.x": "1", "strip-path": "true"}
    consumer = manifest("configuration.konghq.com/v1", "KongConsumer", None, {}, username="ann")
    texts = [
        PLUGIN,
        consumer,
        http_route(rule, annotations=annotations, hostnames=["a.test"]),
        ingress({"path": "/b", "pathType": "Prefix"}, host="b.test", annotations=annotations),
    ]
    valid = [yaml.safe_load(text) for text in texts]
    for place in places_in(valid):
        documents = copy.deepcopy(valid)
        parent: Any = documents
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = junk
        with contextlib.suppress(ConfigError):
            convert_all([("", document) for document in documents])


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("KongPlugn", (Kind.ERROR, "unknown kind; did you mean 'KongPlugin'?")),
        ("kongplugin", (Kind.ERROR, "unknown kind; did you mean 'KongPlugin'?")),
        ("KongConsumerGroup", (Kind.NOT_IMPORTED, "no equivalent here")),
    ],
)
def test_misspelt_kind_of_a_manifest_is_an_error(kind: str, note: tuple[Kind, str]) -> None:
    text = manifest("configuration.konghq.com/v1", kind, None, {})
    found = convert_all([("", yaml.safe_load(text))]).notes
    assert note in [(each.kind, each.text) for each in found]
