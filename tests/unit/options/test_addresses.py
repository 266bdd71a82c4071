"""Parsers of hosts, URLs and CA bundles."""

import certifi
import pytest

from tests.unit.configurations import problems_of, read_route
from tests.unit.options.invalid_values import NO_HOST, NO_HOST_PATTERN
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


def test_file_without_a_certificate_is_rejected(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    (problem,) = problems_of(tls_verify=str(bundle))
    assert problem.startswith("routes['/a'].tls_verify: cannot be read as a CA bundle (")
    assert str(bundle) not in problem


def test_path_of_a_ca_bundle_is_accepted():
    assert read_route(tls_verify=certifi.where()).transport.tls_verify == certifi.where()
