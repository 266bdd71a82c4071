"""The demo's function that streams, in a browser, through curl's eyes and through boto3's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from selenium import webdriver

from sample_app.emulator import REGION, AccessKey
from tests.e2e.conftest import Demo
from tests.e2e.test_browser import CHROMEDRIVER, CHROMIUM, Page
from tests.e2e.test_browser import driver as driver
from tests.e2e.test_guard import key as key
from tests.e2e.test_lifecycle import needs_proc

pytestmark = pytest.mark.e2e

PAUSE = 1.5  # seconds before each word: the browser has that long to show the one before
WORDS = "Yes, we have it in blue, and it keeps tea warm."

browser = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="Chromium is not installed")


@pytest.fixture
def chat(shop: Demo, driver: webdriver.Chrome) -> Iterator[Page]:
    def open_page(pause: float) -> Page:
        driver.get(f"{shop.url}/chat?pause={pause}")
        return Page(driver)

    yield open_page
    driver.get("about:blank")


def numbers(page: Page, name: str) -> list[float]:
    script = f"return [...document.querySelectorAll('#words tr')].map((row) => +row.dataset.{name})"
    return page.driver.execute_script(script)


@browser
@pytest.mark.browser
def test_each_word_is_on_the_page_before_the_next_is_made(chat) -> None:
    page = chat(PAUSE)
    page["ask"].click()
    page.wait(lambda: len(numbers(page, "made")) >= 3)
    made, shown = numbers(page, "made"), numbers(page, "shown")
    opened = float(page["state"].get_attribute("data-opened"))
    # Both clocks are this machine's. The connection opens before the first word is made.
    assert opened < made[0]
    assert all(earlier < later for earlier, later in zip(shown, made[1:], strict=False))
    assert page.text("answer").startswith("Yes, we have")


@browser
@pytest.mark.browser
def test_answer_ends(chat) -> None:
    page = chat(0)
    page["ask"].click()
    page.wait(lambda: page.text("state") == "The answer is complete.")
    assert page.text("answer").strip() == WORDS


@browser
@pytest.mark.browser
def test_answer_that_is_cut_off_is_not_taken_for_a_whole_one(chat) -> None:
    page = chat(0)
    page["ask-middle"].click()
    page.wait(lambda: page.text("state") == "The answer was cut off.")
    assert page.text("answer").strip() == "Yes, we have"
    page["ask-begin"].click()
    page.wait(lambda: page.text("state").startswith("There is no answer"))


@needs_proc
def test_boto3_reads_the_endpoint_as_a_stream_of_events(shop: Demo, key: AccessKey) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=shop.guard_url,
        region_name=REGION,
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )
    name = "wsgi-lambda-demo-chat"
    reply = client.invoke_with_response_stream(FunctionName=name, Payload=b'{"pause": 0}')
    *chunks, end = reply["EventStream"]
    assert end == {"InvokeComplete": {}}
    body = b"".join(event["PayloadChunk"]["Payload"] for event in chunks)
    assert len(chunks) == len(WORDS.split()) + 2  # the head, and the event that ends the answer
    head, _, events = body.partition(bytes(8))
    assert b"text/event-stream" in head
    words = [line[6:] for line in events.decode().splitlines() if line.startswith("data: ")]
    assert " ".join(words) == WORDS

    reply = client.invoke_with_response_stream(
        FunctionName=name, Payload=b'{"pause": 0, "fail": "middle"}'
    )
    *_, end = reply["EventStream"]
    assert end["InvokeComplete"]["ErrorCode"] == "RuntimeError"
    assert "the rest is missing" in end["InvokeComplete"]["ErrorDetails"]


def test_as_many_answers_as_processes_at_once(shop: Demo) -> None:
    responses = [shop.get("/lambda/chat?pause=0", stream=True) for _ in range(3)]
    bodies = [response.text for response in responses]
    assert all(body.endswith("event: end\ndata:\n\n") for body in bodies)
    assert all(first != second for first, second in itertools.pairwise(bodies))
