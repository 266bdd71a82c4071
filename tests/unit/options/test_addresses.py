"""Parsers of hosts, URLs and CA bundles."""

import ssl
import tracemalloc
from pathlib import Path

import certifi
import gevent.socket
import gevent.ssl
import pytest

from tests.unit.configurations import REGION, problems_of, read_route
from tests.unit.options.invalid_values import NO_BUNDLE, NO_HOST, NO_HOST_PATTERN
from wsgi_lambda.config import read_routes
from wsgi_lambda.options import addresses


def test_host_pattern_has_one_star():
    assert problems_of(hosts=["*.shop.*"]) == [f"routes['/a'].hosts: {NO_HOST_PATTERN}"]


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("Lambda.Test", "lambda.test"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
    ],
)
def test_host_is_normalized(value, host):
    assert addresses.host(value) == host


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://[::1]:4566", addresses.ServerURL("http", "::1", 4566)),
        ("https://STS.test/", addresses.ServerURL("https", "sts.test", 0)),
    ],
)
def test_url_of_a_server_has_three_parts(url, expected):
    assert addresses.endpoint_url(url) == expected


def test_ip_address_without_a_zone():
    assert problems_of(host="fe80::1%eth0") == [f"routes['/a'].host: {NO_HOST}"]


# A list of revoked certificates (RFC 5280, 5), of an authority named "a".
REVOKED = """-----BEGIN X509 CRL-----
MIGRMDowCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYRcNMjYxMTI2MTUzNzA2WhgP
MjEyNjExMDIxNTM3MDZaMAoGCCqGSM49BAMCA0cAMEQCICmhRTt8Mi3GOsAreiVU
YVzNVLpeOd2RH0eHqrGVYrI+AiB2DPwr2lnCvkaiPf6ahAUkmVW0gcQEpDLewIBV
HuwqCg==
-----END X509 CRL-----
"""
MALFORMED = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "text",
    ["no certificate", "", MALFORMED, Path(certifi.where()).read_text() + MALFORMED, REVOKED],
    ids=["text", "empty", "malformed", "partly-malformed", "revoked"],
)
def test_file_without_valid_certificates_is_rejected(text, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(text)
    why = "no certificates, or invalid PEM"
    assert problems_of(tls_verify=str(bundle)) == [
        f"routes['/a'].tls_verify: {NO_BUNDLE.format(why)}"
    ]


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_unreadable_bundle_in_the_environment_is_named_by_its_variable(name):
    environ = {**REGION, name: "/nowhere/ca.pem"}
    assert problems_of(environ=environ) == [
        f"routes['/a'].tls_verify: true, and {name} in the environment "
        + NO_BUNDLE.format("No such file or directory")
    ]


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [({"disable_https": True}, ""), ({}, "http://127.0.0.1:4566")],
    ids=["option", "endpoint"],
)
def test_bundle_in_the_environment_is_not_read_without_tls(options, endpoint):
    environ = {**REGION, "AWS_CA_BUNDLE": "/nowhere/ca.pem", "AWS_ENDPOINT_URL": endpoint}
    assert read_route(environ=environ, **options).transport.tls_verify is True


def test_problems_of_endpoint_and_bundle_are_reported_together():
    environ = {**REGION, "AWS_CA_BUNDLE": "/nowhere/ca.pem", "AWS_ENDPOINT_URL": "http://a b"}
    assert [line.partition(":")[0] for line in problems_of(environ=environ)] == [
        "routes['/a'].host",
        "routes['/a'].tls_verify",
    ]


def test_routes_share_the_bundle_in_the_environment():
    environ = {**REGION, "AWS_CA_BUNDLE": certifi.where()}
    own = {"function_name": "f"}
    one, other = read_routes({"routes": {"/a": own, "/b": own}}, environ)
    assert one.transport.tls_verify is other.transport.tls_verify


def test_path_of_a_ca_bundle_is_accepted():
    bundle = read_route(tls_verify=certifi.where()).transport.tls_verify
    assert repr(bundle) == f"CABundle({certifi.where()!r})"


def test_a_ca_bundle_is_parsed_once():
    bundle = read_route(tls_verify=certifi.where()).transport.tls_verify
    context = bundle.tls_context()
    assert bundle.tls_context() is context
    assert (len(context.get_ca_certs()) > 100, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_tls_context_of_a_ca_bundle_has_the_class_that_gevent_has_installed(monkeypatch):
    bundle = read_route(tls_verify=certifi.where()).transport.tls_verify
    monkeypatch.setattr(ssl, "SSLContext", gevent.ssl.SSLContext)
    context = bundle.tls_context()
    assert (type(context), len(context.get_ca_certs()) > 100) == (gevent.ssl.SSLContext, True)
    with context.wrap_socket(gevent.socket.socket(), server_hostname="a") as wrapped:
        assert type(wrapped) is gevent.ssl.SSLSocket


def test_text_of_a_ca_bundle_is_never_held_as_a_whole(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(certifi.where()).read_bytes())
    tracemalloc.start()
    try:
        bundle = addresses.read_ca_bundle(str(path))
        bundle.tls_context()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 4


def test_equal_ca_bundles_are_one_object(tmp_path):
    bundle = addresses.read_ca_bundle(certifi.where())
    assert addresses.read_ca_bundle(certifi.where()) is bundle
    copy = tmp_path / "ca.pem"
    copy.write_bytes(Path(certifi.where()).read_bytes())
    assert addresses.read_ca_bundle(str(copy)) is not bundle


def test_a_ca_bundle_that_has_changed_is_another_object(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(certifi.where()).read_bytes())
    bundle = addresses.read_ca_bundle(str(path))
    path.write_bytes(path.read_bytes() + b"# more\n")
    assert addresses.read_ca_bundle(str(path)) is not bundle
