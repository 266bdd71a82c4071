"""Take the screenshots of the documentation: `python -m tests.tools.screenshot [demo] [streaming]`.

Starts the demo in headless Chromium. docs/demo.png shows a search in the catalogue,
docs/streaming.png an answer of the chat.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.conftest import PATIENCE, READY, started
from tests.e2e.test_browser import CHROMEDRIVER, CHROMIUM, FLAGS

DOCS = Path(__file__).parents[2] / "docs"
SIZES = {"demo": (1100, 900), "streaming": (1100, 760)}  # pixels
ROUTE = "route-catalogue"


def main(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as demo:
        demo.wait_for(READY)
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, "--hide-scrollbars", f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, Service(CHROMEDRIVER))
        try:
            for name in names or SIZES:
                _resize(driver, SIZES[name])
                {"demo": _search, "streaming": _chat}[name](driver, demo.url)
                target = DOCS / f"{name}.png"
                driver.save_screenshot(str(target))
                print(f"Written: {target}, {target.stat().st_size // 1000} kB")
        finally:
            driver.quit()


def _resize(driver: webdriver.Chrome, size: tuple[int, int]) -> None:
    # What the window has more than the page.
    driver.set_window_size(*size)
    inner = driver.execute_script("return [window.innerWidth, window.innerHeight]")
    driver.set_window_size(*(2 * each - seen for each, seen in zip(size, inner, strict=True)))


def _chat(driver: webdriver.Chrome, url: str) -> None:
    driver.get(f"{url}/chat")
    driver.find_element(By.ID, "ask").click()
    state = driver.find_element(By.ID, "state")
    WebDriverWait(driver, PATIENCE).until(lambda _: "complete" in state.text)
    driver.execute_script("document.activeElement.blur()")


def _search(driver: webdriver.Chrome, url: str) -> None:
    driver.get(f"{url}/")
    driver.find_element(By.ID, ROUTE).click()
    results = driver.find_element(By.ID, "results")
    status = driver.find_element(By.ID, "status")
    # The first request also starts the function.
    for _ in range(2):
        driver.find_element(By.ID, "send").click()
        WebDriverWait(driver, PATIENCE).until(
            lambda _: results.get_attribute("aria-busy") == "false" and status.text.startswith("2")
        )
    driver.execute_script("window.scrollTo(0, 0); document.activeElement.blur()")


if __name__ == "__main__":
    main(sys.argv[1:])
