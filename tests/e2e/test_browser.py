"""The home page in a browser, used like by a person."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from sample_app import settings
from tests.e2e.conftest import PATIENCE, Demo

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="NOTE: Chromium is not installed, the home page is not tested; "
        "apt-get install chromium chromium-driver",
    ),
]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


CONTROLS = "input, select, textarea, button"


class Page:
    """The home page; `page["send"]` is the element with the id "send"."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def __getitem__(self, name: str) -> WebElement:
        return self.driver.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return self.driver.execute_script(
            "return document.getElementById(arguments[0]).textContent", name
        )

    def fill(self, name: str, text: str) -> None:
        self[name].clear()
        self[name].send_keys(text)

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(lambda _: condition())

    def send(self) -> None:
        self["send"].click()
        self.wait_for_response()

    def wait_for_response(self) -> None:
        self.wait(
            lambda: (
                self["results"].get_attribute("aria-busy") == "false"
                and self.text("summary").endswith(" ms")
            )
        )

    @property
    def configuration(self) -> dict[str, object]:
        """The route that is shown: its path and options."""
        blocks = self.driver.find_elements(By.CSS_SELECTOR, "pre[data-path]:not([hidden])")
        (shown,) = [block.text for block in blocks]
        return ast.literal_eval(f"{{{shown}}}")

    def shows_no_result(self) -> bool:
        names = ("response-body", "event", "header-count", "body-note", "headers")
        is_empty = self.text("status") == "–" and not any(map(self.text, names))
        return is_empty and not self["body-heading"].is_displayed()

    @property
    def event(self) -> object:
        return json.loads(self.text("event"))


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(shop: Demo, driver: webdriver.Chrome) -> Iterator[Page]:
    driver.get(shop.url)
    driver.get_log("browser")
    yield Page(driver)
    # The browser logs failed requests itself. Any other entry is an error of the page.
    assert [
        entry for entry in driver.get_log("browser") if entry["source"] not in ("network",)
    ] == []


def test_catalogue_by_query(page: Page) -> None:
    page["route-catalogue"].click()
    page.fill("target", "/lambda/catalogue?q=pencil")
    page.send()
    assert page.text("status") == "200 OK"
    assert page.text("time").endswith(" ms")
    assert len(page.text("request-id")) == 36
    assert json.loads(page.text("response-body"))["items"][0]["name"] == "Cedar pencil"
    assert page.event == {"q": "pencil"}
    assert "content-type" in page.text("headers")


def test_form_with_a_file(page: Page, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4
    file = tmp_path / "photo of a mug.jpg"
    file.write_bytes(content)
    page["route-upload"].click()
    page.fill("field-1-value", "Häferl & <b>co</b>")
    page["add-field"].click()
    page.fill("field-3-name", "colour")
    page.fill("field-3-value", "blue")
    page["file"].send_keys(str(file))
    page.send()
    response = json.loads(page.text("response-body"))
    assert response["fields"] == {
        "title": ["Häferl & <b>co</b>"],
        "note": ["Two mugs, paid in cash"],
        "colour": ["blue"],
    }
    assert response["files"] == [
        {
            "field": "file",
            "filename": file.name,
            "content_type": "image/jpeg",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    ]
    assert page.event["title"] == "Häferl & <b>co</b>"
    assert page.event["file"]["filename"] == file.name
    # Long strings are truncated, with a note.
    assert page.event["file"]["body"].endswith("… (1,368 characters)")


def test_json_editor(page: Page) -> None:
    page["route-orders"].click()
    Select(page["method"]).select_by_visible_text("POST")
    page.fill("json", '{"item": "tea", "quantity": 5}')
    page["json"].send_keys(Keys.CONTROL, Keys.ENTER)
    page.wait_for_response()
    assert page.text("status") == "201 Created"
    assert json.loads(page.text("response-body"))["quantity"] == 5
    assert page.event["request_body"] == '{"item": "tea", "quantity": 5}'
    assert "/lambda/orders/tea-5-" in page.text("headers")


def test_numbers_keep_their_digits(page: Page) -> None:
    page["route-echo"].click()
    page.fill("json", '{"order": 12345678901234567890, "price": 12.50}')
    page.send()
    assert '"order": 12345678901234567890' in page.text("event")
    assert '"price": 12.5' in page.text("event")


def test_image_is_shown(page: Page) -> None:
    page["route-label"].click()
    page.send()
    page.wait(lambda: page["image"].get_property("naturalWidth"))
    assert page["image"].is_displayed()
    assert page.text("response-body").startswith("image/png, ")
    assert page.event == {"text": "Enamel mug", "price": "12.50"}
    assert "From the function’s log" in page.text("event-source")
    page["route-catalogue"].click()
    page.send()
    assert not page["image"].is_displayed()


def test_api_gateway_event_is_shown(page: Page) -> None:
    page["route-reviews"].click()
    page.send()
    assert page.text("status") == "200 OK"
    assert "<h1>Reviews</h1>" in page.text("response-body")
    assert (page.event["version"], page.event["rawPath"]) == ("2.0", "/")
    assert page.event["requestContext"]["http"]["path"] == "/"


@pytest.mark.parametrize(
    ("route", "status", "source", "event"),
    [
        ("newsletter", "202 Accepted", "Lambda queued the event", {"email": "ada@shop.test"}),
        ("slow", "504 Gateway Timeout", "The route has a timeout of 1.5 seconds", {"seconds": "3"}),
        (
            "broken",
            "500 Internal Server Error",
            "The function raised an exception",
            {"item": "mug"},
        ),
    ],
)
def test_event_that_lambda_does_not_return_is_echoed(
    page: Page, route: str, status: str, source: str, event: object
) -> None:
    page[f"route-{route}"].click()
    page.send()
    assert page.text("status") == status
    assert page.text("event-source").startswith(source)
    assert page.text("event-source").endswith("the event of /lambda/echo for the same request.")
    assert page.event == event


def test_forbidden_function_received_nothing(page: Page) -> None:
    page["route-forbidden"].click()
    page.send()
    assert page.text("status") == "502 Bad Gateway"
    assert page.text("event-source").startswith("No function received an event")
    assert page.text("event") == ""


def test_get_with_a_body_clears_the_result(page: Page) -> None:
    page["route-orders"].click()
    page.send()
    Select(page["method"]).select_by_visible_text("GET")
    page["send"].click()
    assert page.text("summary").startswith("Not sent: browsers send no body with GET.")
    assert page.shows_no_result()


def test_invalid_form_clears_the_result(page: Page) -> None:
    page["route-catalogue"].click()
    page.send()
    page.fill("target", "/about")
    page["send"].click()
    problem = "Not sent: Path and query must be a path that starts with /lambda/."
    assert page.text("summary") == problem
    assert page.shows_no_result()


def test_upload_without_a_file_is_not_sent(page: Page) -> None:
    page["route-upload"].click()
    page["send"].click()
    assert page.text("summary") == "Not sent: File must be chosen."
    assert page.shows_no_result()
    # Other bodies, and the forms of other routes, need no file.
    page["body-json"].click()
    page.fill("json", '{"title": "Receipt"}')
    page.send()
    page["route-newsletter"].click()
    page.send()
    assert page.text("status") == "202 Accepted"


def test_unreachable_server_clears_the_result(page: Page) -> None:
    page["route-label"].click()
    page.send()
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    change = "Network.emulateNetworkConditions"
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd(change, {**network, "offline": True})
    try:
        page["send"].click()
        page.wait(lambda: page.text("summary").startswith("No response: "))
        assert page.shows_no_result()
        assert not page["image"].is_displayed()
        assert page["results"].get_attribute("aria-busy") == "false"
    finally:
        page.driver.execute_cdp_cmd(change, {**network, "offline": False})
    page.send()
    assert page.text("status") == "200 OK"


def test_another_route_clears_the_result(page: Page) -> None:
    page["route-catalogue"].click()
    page.send()
    page["route-orders"].click()
    assert page.text("summary") == "Not sent yet."
    assert page.shows_no_result()


def test_each_route_shows_its_configuration(page: Page, shop: Demo) -> None:
    expected = settings.wsgi_lambda({"DEMO_LAMBDA_URL": shop.guard_url})
    routes = expected.pop("routes")
    for path, options in routes.items():
        page[f"route-{path.removeprefix('/lambda/')}"].click()
        assert page.configuration == {path: options}
    assert routes["/lambda/broken"]["unhandled_status"] == 500
    page["route-payroll"].click()
    assert page.configuration["/lambda/payroll"]["aws_assume_role_arn"].startswith("arn:")
    assert ast.literal_eval(page.text("defaults")) == expected


def test_page_of_a_function_has_the_style_of_the_shop(page: Page, shop: Demo) -> None:
    style = "return getComputedStyle(document.querySelector('.primary')).backgroundColor"
    expected = page.driver.execute_script(style)
    page.driver.get(f"{shop.url}/lambda/reviews")
    assert page.driver.execute_script(style) == expected
    page["review"].send_keys("Keeps tea warm", Keys.ENTER)
    page.wait(lambda: "Keeps tea warm" in page.driver.page_source)
    assert page.driver.execute_script(style) == expected


def test_markup_in_a_response_stays_text(page: Page) -> None:
    page["route-echo"].click()
    page.fill("json", '{"event": "<img src=x onerror=alert(1)>"}')
    page.send()
    assert '"<img src=x onerror=alert(1)>"' in page.text("response-body")
    assert page["response-body"].find_elements(By.CSS_SELECTOR, "*") == []


def test_keyboard_alone_is_enough(page: Page) -> None:
    page["route-newsletter"].send_keys(Keys.ENTER)
    assert page["route-newsletter"].get_attribute("aria-pressed") == "true"
    page["field-1-value"].send_keys(Keys.ENTER)
    page.wait_for_response()
    assert page.text("status") == "202 Accepted"


def test_everything_that_takes_input_has_a_label(page: Page) -> None:
    for kind in ("body-form", "body-json"):
        page[kind].click()
        for element in page.driver.find_elements(By.CSS_SELECTOR, CONTROLS):
            html = element.get_attribute("outerHTML")
            assert element.accessible_name or not element.is_displayed(), html


@pytest.mark.parametrize("width", [360, 1100, 1280])
def test_page_fits_its_width(page: Page, width: int) -> None:
    wide = "return [...document.querySelectorAll('pre')].some(e => e.scrollWidth > e.clientWidth)"
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page["route-orders"].click()
        page.send()
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
        page["route-payroll"].click()
        assert page.driver.execute_script(wide) is False
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_table_of_invocations_fits_a_phone(page: Page, shop: Demo) -> None:
    assert shop.get("/lambda/catalogue").status_code == 200
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.driver.get(f"{shop.url}/operations")
        assert page.driver.find_elements(By.CSS_SELECTOR, "#invocations td.number")
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_login_function_and_logout(page: Page, shop: Demo) -> None:
    page.driver.get(f"{shop.url}/members/")
    page.fill("name", "ada")
    page.fill("password", "tea")
    page["login"].click()
    page.wait(lambda: page.driver.find_elements(By.ID, "found"))
    assert "Welcome, ada" in page.driver.page_source
    page.fill("note", "Two mugs, please")
    page.driver.find_element(By.CSS_SELECTOR, ".primary").click()
    page.wait(lambda: '"note": "Two mugs, please"' in page.driver.page_source)
    page.driver.back()
    page.wait(lambda: page.driver.find_elements(By.ID, "logout"))
    page["logout"].click()
    page.wait(lambda: page.driver.find_elements(By.ID, "login"))
    page.driver.get(f"{shop.url}/members/event")
    assert "requestContext" not in page.driver.page_source
