"""Signatures, held against AWS4Auth itself and against botocore's."""

import itertools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from requests import Request
from requests_aws4auth import AWS4Auth

from wsgi_lambda.credentials import Credentials
from wsgi_lambda.invoke.sign import Signer

NOON = datetime(2024, 3, 1, 12, 0, 0, tzinfo=UTC)
LAST_SECOND = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 1, tzinfo=UTC)

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PERMANENT = Credentials("AKIDEXAMPLE", SECRET)
TEMPORARY = Credentials("AKIDEXAMPLE", SECRET, "token/with+signs==")
ARN = "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Apay"


def prepared(
    *,
    name="pay",
    query="",
    scheme="https",
    host="lambda.eu-west-1.amazonaws.com",
    body=b"{}",
    **headers,
):
    """Return a request as it is before it is signed."""
    given = {"Host": host, "Content-Type": "application/json", **headers}
    url = f"{scheme}://{host}/2015-03-31/functions/{name}/invocations{query}"
    return Request("POST", url, headers=given, data=body).prepare()


def signed(request, credentials, *, now=NOON, region="eu-west-1"):
    """Return the headers that a new `Signer` makes."""
    return sign(Signer(request, region, clock=lambda: now.timestamp()), request, credentials)


def sign(signer, request, credentials, **own):
    """Return the request's headers with those of its signature."""
    request.headers.update(signer.sign(request.body or b"", credentials, own))
    return {name.lower(): value for name, value in request.headers.items()}


def expected(request, credentials, *, now=NOON, region="eu-west-1"):
    """Return the headers that AWS4Auth itself makes at the same second."""
    keys = (credentials.access_key, credentials.secret_key)
    request.headers["x-amz-date"] = now.strftime("%Y%m%dT%H%M%SZ")
    auth = AWS4Auth(*keys, region, "lambda", session_token=credentials.session_token)
    return {name.lower(): value for name, value in auth(request).headers.items()}


REQUESTS = {
    "every-header": {
        "X-Amz-Invocation-Type": "RequestResponse",
        "X-Amz-Log-Type": "None",
        "X-Amz-Tenant-Id": "a tenant",
        "Accept-Encoding": "identity",
        "User-Agent": "wsgi-lambda",
    },
    "name": {},
    "ARN": {"name": ARN},
    "alias-in-the-name": {"name": "pay%3Aprod"},
    "ARN-with-latest": {"name": f"{ARN}%3A%24LATEST"},
    "qualifier": {"query": "?Qualifier=prod"},
    "latest": {"query": "?Qualifier=%24LATEST"},
    "ARN-and-latest": {"name": ARN, "query": "?Qualifier=%24LATEST"},
    "odd-port": {"host": "lambda.test:8443"},
    "http": {"scheme": "http", "host": "127.0.0.1:9001"},
    "http-at-443": {"scheme": "http", "host": "lambda.test:443"},
    "IPv6": {"host": "[::1]:9001"},
    "empty-body": {"body": b""},
    "binary-body": {"body": bytes(range(256))},
    "large-body": {"body": b"x" * 6_291_456},
    "invocation-type": {"X-Amz-Invocation-Type": "Event", "X-Amz-Log-Type": "Tail"},
}


@pytest.mark.promise("signed")
@pytest.mark.parametrize("credentials", [PERMANENT, TEMPORARY], ids=["permanent", "temporary"])
@pytest.mark.parametrize("given", REQUESTS.values(), ids=REQUESTS)
def test_a_signature_is_that_of_aws4auth(given, credentials):
    ours = signed(prepared(**given), credentials)
    assert ours == expected(prepared(**given), credentials)


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_a_signature_holds_for_its_region(region):
    ours = signed(prepared(), PERMANENT, region=region)
    assert ours == expected(prepared(), PERMANENT, region=region)
    assert f"/20240301/{region}/lambda/aws4_request, " in ours["authorization"]


@pytest.mark.promise("signed")
@pytest.mark.parametrize(
    ("credentials", "token_header", "signature"),
    [
        pytest.param(
            PERMANENT,
            "",
            "55e22d576980e17d0015e6c2fa341ac52e74eb48d16cfda7aa4859953fd839e5",
            id="permanent",
        ),
        pytest.param(
            TEMPORARY,
            ";x-amz-security-token",
            "8098a9f662ccb91245bace8b809d5d021c9115a0fd3b68e850221a1755d1e926",
            id="temporary",
        ),
    ],
)
def test_a_signature_is_that_of_botocore(credentials, token_header, signature):
    # Made once by botocore 1.43.106, auth.SigV4Auth, of the same headers and second.
    request = prepared(
        name=ARN,
        query="?Qualifier=%24LATEST",
        body=b'{"a":1}',
        **{"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail"},
    )
    assert signed(request, credentials, now=LAST_SECOND)["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/eu-west-1/lambda/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-invocation-type;"
        f"x-amz-log-type{token_header}, Signature={signature}"
    )


def test_the_token_goes_along_and_is_signed():
    headers = signed(prepared(), TEMPORARY)
    assert headers["x-amz-security-token"] == "token/with+signs=="
    assert ";x-amz-security-token, " in headers["authorization"]


def test_without_a_token_there_is_no_header_for_one():
    names = {name.lower() for name in signed(prepared(), PERMANENT)}
    assert names == {
        "host",
        "content-type",
        "content-length",
        "x-amz-date",
        "x-amz-content-sha256",
        "authorization",
    }


def test_the_body_is_not_changed():
    request = prepared(body=b"\xff\x00")
    signed(request, PERMANENT)
    assert request.body == b"\xff\x00"


def test_the_real_clock_is_that_of_utc():
    request = prepared()
    before = datetime.now(UTC).replace(microsecond=0)
    headers = sign(Signer(request, "eu-west-1"), request, PERMANENT)
    then = datetime.strptime(headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    assert before <= then <= datetime.now(UTC)


def test_one_signer_signs_request_after_request():
    signer = Signer(prepared(), "eu-west-1", clock=lambda: NOON.timestamp())
    for body in (b"first", b"second", b"second"):
        headers = sign(signer, prepared(body=body), TEMPORARY)
        assert headers == expected(prepared(body=body), TEMPORARY)


@pytest.mark.promise("signed")
def test_the_signing_key_changes_at_midnight():
    times = [LAST_SECOND, MIDNIGHT, LAST_SECOND]
    clock = iter(times)
    signer = Signer(prepared(), "eu-west-1", clock=lambda: next(clock).timestamp())
    for now in times:
        headers = sign(signer, prepared(), TEMPORARY)
        assert headers == expected(prepared(), TEMPORARY, now=now)
        assert f"/{now:%Y%m%d}/eu-west-1/" in headers["authorization"]


@pytest.mark.promise("signed")
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Credentials("AKIDOTHER", SECRET, "token/with+signs=="), id="key"),
        pytest.param(Credentials("AKIDEXAMPLE", "other", "token/with+signs=="), id="secret"),
        pytest.param(Credentials("AKIDEXAMPLE", SECRET, "other"), id="token"),
        pytest.param(PERMANENT, id="no-token"),
    ],
)
def test_renewed_credentials_are_used_at_once(other):
    signer = Signer(prepared(), "eu-west-1", clock=lambda: NOON.timestamp())
    for credentials in (TEMPORARY, other, TEMPORARY):
        assert sign(signer, prepared(), credentials) == expected(prepared(), credentials)


@pytest.mark.parametrize("tenant", ["blue", "a/b:c=d@e+f_g.h-1", "blue team", "blue   team"])
def test_a_tenant_is_signed_with_the_rest(tenant):
    signer = Signer(prepared(), "eu-west-1", clock=lambda: NOON.timestamp())
    for credentials in (PERMANENT, TEMPORARY):
        request = prepared(**{"X-Amz-Tenant-Id": tenant})
        theirs = expected(prepared(**{"X-Amz-Tenant-Id": tenant}), credentials)
        assert sign(signer, request, credentials, **{"X-Amz-Tenant-Id": tenant}) == theirs
        # And the next without one is signed without.
        assert sign(signer, prepared(), credentials) == expected(prepared(), credentials)


def test_a_client_context_of_one_request_replaces_that_of_the_route():
    context = {"X-Amz-Client-Context": "e30="}
    own = {"X-Amz-Client-Context": "eyJ3M2MiOiB7fX0=", "X-Amz-Tenant-Id": "blue"}
    signer = Signer(prepared(**context), "eu-west-1", clock=lambda: NOON.timestamp())
    for credentials in (PERMANENT, TEMPORARY):
        theirs = signed(prepared(**own), credentials)
        assert sign(signer, prepared(**own), credentials, **own) == theirs
        theirs = signed(prepared(**context), credentials)
        assert sign(signer, prepared(**context), credentials) == theirs


def test_a_client_context_is_signed():
    request = prepared(**{"X-Amz-Client-Context": "e30="})
    assert ";x-amz-client-context;" in signed(request, PERMANENT)["authorization"]


@pytest.fixture
def eager_threads():
    """Let threads take turns after nearly every step, so that a race shows."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.promise("signed")
@pytest.mark.usefixtures("eager_threads")
def test_no_thread_signs_with_the_key_of_one_and_the_token_of_another():
    signer = Signer(prepared(), "eu-west-1", clock=lambda: next(times).timestamp())
    # Two seconds that lie on either side of midnight, in turn.
    times = itertools.cycle([LAST_SECOND, MIDNIGHT])
    numbers = itertools.count()
    start = threading.Barrier(32)

    def sign_some():
        start.wait(timeout=10)
        made = []
        for number in itertools.islice(numbers, 20):
            credentials = Credentials(f"AKID{number}", f"secret{number}", f"token{number}")
            made.append((credentials, sign(signer, prepared(), credentials)))
        return made

    with ThreadPoolExecutor(32) as threads:
        runs = [threads.submit(sign_some) for _ in range(32)]
    made = [pair for run in runs for pair in run.result()]
    assert len({credentials.access_key for credentials, _ in made}) == 640
    for credentials, headers in made:
        now = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert headers == expected(prepared(), credentials, now=now)
