"""The page of a room, as people see it."""

import asyncio

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import browser as browsers
from harness import signaling
from harness.processes import wait_until


def enter(browser, gateway, room, name, token=None):
    fragment = f"name={name}" + (f"&token={token}" if token else "")
    browser.open(gateway.page("room", room, fragment))
    browser.click("join")
    browser.wait_for_state("live")
    return browser


def people(browser):
    return [each.text for each in browser.driver.find_elements(By.CSS_SELECTOR, "#people li")]


def talk(browser):
    return [each.text for each in browser.driver.find_elements(By.CSS_SELECTOR, "#talk li")]


def wait_for(seen, what):
    return wait_until(lambda: what(seen()), 10, lambda: f"it shows {seen()}")


def test_two_people_meet_talk_and_part(gateway, stream, chromium):
    ada = enter(chromium, gateway, stream, "Ada")
    with browsers.chromium(width=390, height=844) as phone:
        ben = enter(phone, gateway, stream, "Ben")
        wait_for(lambda: people(ada), lambda seen: len(seen) == 2 and "Ben" in seen[1])
        # With nothing but a keyboard.
        field = ben.driver.find_element(By.ID, "text")
        field.send_keys("hello <b>you</b>" + Keys.ENTER)
        wait_for(lambda: talk(ada), lambda seen: "Ben: hello <b>you</b>" in seen)
        wait_for(lambda: talk(ben), lambda seen: "You: hello <b>you</b>" in seen)
        assert ben.run("return document.documentElement.scrollWidth <= innerWidth"), "the page is wider than a phone"
        unnamed = ben.run(
            "return [...document.querySelectorAll('button, input, select')].filter((each) => each.offsetParent"
            " && !each.textContent.trim() && !each.labels?.length && !each.getAttribute('aria-label')).map((each) => each.id)"
        )
        assert unnamed == []
        ben.screenshot("room-phone")
        ada.driver.find_element(By.CSS_SELECTOR, "#people button").click()
        wait_for(lambda: ben.text("status"), lambda text: "sent away" in text)
        wait_for(lambda: talk(ada), lambda seen: "Ben has left." in seen)
        ben.screenshot("room-sent-away")
    ada.screenshot("room-alone")
    ada.click("leave")
    wait_until(lambda: ada.text("status") == "You have left.", 5, lambda: ada.text("status"))
    assert ada.driver.find_element(By.ID, "entrance").is_displayed()


def test_two_people_see_each_other(gateway, stream, chromium):
    ada = enter(chromium, gateway, stream, "Ada")
    with browsers.chromium() as other:
        ben = enter(other, gateway, stream, "Ben")
        for each in (ada, ben):
            each.click("camera")
            each.click("microphone")
        for each in (ada, ben):
            wait_until(lambda: plays(pictures_of_others(each)), 20, lambda: trouble(each))
        before = [pictures_of_others(each) for each in (ada, ben)]
        for each, earlier in zip((ada, ben), before):
            wait_until(
                lambda: pictures_of_others(each)[0]["time"] > earlier[0]["time"] + 1, 10, lambda: trouble(each)
            )
        ben.click("camera")
        wait_until(lambda: not plays(pictures_of_others(ada)), 10, lambda: f"Ben is still seen: {trouble(ada)}")


def pictures_of_others(browser):
    """Width and time in seconds of each picture that is not one's own."""
    return browser.run(
        "return [...document.querySelectorAll('.tile:not(.mirrored) video')]"
        ".map((video) => ({ width: video.videoWidth, time: video.currentTime }))"
    )


def plays(pictures):
    return len(pictures) == 1 and pictures[0]["width"] > 0 and pictures[0]["time"] > 0


def trouble(browser):
    seen = (pictures_of_others(browser), browser.text("problem"), people(browser), browser.console())
    return " ".join(map(str, seen))


def test_it_says_what_is_wrong(start_gateway, chromium):
    gateway = start_gateway(auth__anonymous__rooms="nobody")
    chromium.open(gateway.page("room", "lobby", "name=Ada&join"))
    problem = wait_until(lambda: chromium.text("problem"), 10, "nothing is said")
    assert "martlet token create" in problem
    chromium.screenshot("room-refused")
    token = gateway.token("lobby", "subscribe")
    enter(chromium, gateway, "lobby", "Ada", token)
    assert not chromium.driver.find_element(By.ID, "problem").is_displayed()
    assert chromium.driver.find_element(By.ID, "home").get_attribute("href").endswith(f"/#token={token}")

    async def close():
        host, _ = await signaling.enter(gateway, "lobby", gateway.token("lobby", "subscribe", "admin"))
        assert (await host.ask("close", reason="It is late."))["type"] == "ok"
        await host.close()

    asyncio.run(close())
    wait_until(lambda: "It is late." in chromium.text("status"), 10, lambda: chromium.text("status"))
