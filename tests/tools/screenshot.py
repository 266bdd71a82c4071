"""Take the screenshot of the README: `python -m tests.tools.screenshot`.

Starts the demo, searches the catalogue in headless Chromium, and writes docs/demo.png.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.conftest import PATIENCE, READY, started
from tests.e2e.test_browser import CHROMEDRIVER, CHROMIUM, FLAGS

TARGET = Path(__file__).parents[2] / "docs" / "demo.png"
SIZE = (1100, 900)  # pixels
ROUTE = "route-catalogue"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as demo:
        demo.wait_for(READY)
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, "--hide-scrollbars", f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, Service(CHROMEDRIVER))
        try:
            _take(driver, demo.url)
        finally:
            driver.quit()
    print(f"Written: {TARGET}, {TARGET.stat().st_size // 1000} kB")


def _take(driver: webdriver.Chrome, url: str) -> None:
    # What the window has more than the page.
    driver.set_window_size(*SIZE)
    inner = driver.execute_script("return [window.innerWidth, window.innerHeight]")
    driver.set_window_size(*(2 * size - seen for size, seen in zip(SIZE, inner, strict=True)))
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
    driver.save_screenshot(str(TARGET))


if __name__ == "__main__":
    main()
