"""Viewers and publishers on networks that lose, delay and narrow: a train, a hotel, a crowded cell."""

import time

import pytest

from harness import browser as browsers
from harness.gateway import Gateway
from harness.impaired import ImpairedPath, Link
from harness.processes import wait_until
from harness.watching import watch

# Reads how long each picture stood, from the page.
PICTURE_GAPS = """
const video = document.querySelector("video");
window.gaps = [];
let last = null;
const next = (now) => {
  if (last !== null) window.gaps.push(now - last);
  last = now;
  video.requestVideoFrameCallback(next);
};
video.requestVideoFrameCallback(next);
"""


@pytest.fixture
def demo():
    with Gateway("demo", {"webrtc.host": "127.0.0.1"}, name="demo") as gateway:
        gateway.wait_for_stream("demo", ("video", "audio"))
        yield gateway


def play(browser, address, frames=30):
    browser.open(address)
    browser.wait_for_state("live", seconds=30)
    browser.wait_for_frames(frames, seconds=30)


def frames_sent(browser):
    """Pictures that a publishing page has sent."""
    return browser.run_async(
        "[...(await martlet.pc.getStats()).values()]"
        ".find((each) => each.type === 'outbound-rtp' && each.kind === 'video').framesSent"
    )


def longest_gap(browser):
    return max(browser.run("return window.gaps.splice(0)") or [0])


@pytest.mark.parametrize(
    "loss, one_way, share", [(0.03, 0.040, 0.98), (0.10, 0.040, 0.95)], ids=["3% at 80 ms", "10% at 80 ms"]
)
def test_a_viewer_that_loses_packets_sees_nearly_every_picture(demo, chromium, loss, one_way, share):
    down, up = Link(loss, one_way, 0.008, seed=3), Link(loss, one_way, 0.008, seed=4)
    with ImpairedPath(demo, up, down) as path:
        play(chromium, path.page("play", "demo"))
        time.sleep(3)
        chromium.run(PICTURE_GAPS)
        watched = watch(chromium, 20)
        assert down.lost > 50, "the path lost too little to show anything"
        assert watched.frames_per_second >= 30 * share, watched
        assert longest_gap(chromium) <= (500 if loss < 0.05 else 1000), watched
        assert watched.audio_energy > 0, watched


def test_what_a_publisher_loses_on_its_way_in_is_repaired_for_all_viewers(chromium):
    with Gateway(settings={"webrtc.host": "127.0.0.1"}) as gateway:
        with ImpairedPath(gateway, Link(0.05, 0.020, seed=5), Link(0.0, 0.020, seed=6)) as path:
            chromium.open(path.page("publish", "hotel", "source=card&codec=H264&size=640x360&start"))
            chromium.wait_for_state("live")
            gateway.wait_for_stream("hotel", ("video", "audio"))
            with browsers.chromium() as viewer:
                play(viewer, gateway.page("play", "hotel"))
                time.sleep(3)
                before = frames_sent(chromium)
                watched = watch(viewer, 15)
                sent = frames_sent(chromium) - before
                assert path.up.lost > 30, "the path lost too little to show anything"
                assert sent > 15 * 20, "the browser was too slow to show anything"
                # A frame or two more are on their way at either end.
                assert watched.decoded >= sent * 0.98 - 2, (sent, watched)
                assert watched.audio_energy > 0, watched


def test_a_viewer_whose_path_narrows_gets_a_smaller_picture_and_the_large_one_back(chromium):
    """Simulcast from a browser; the viewer's path goes from 4 Mbit/s to 700 kbit/s and back."""
    with Gateway(settings={"webrtc.host": "127.0.0.1"}) as gateway:
        chromium.open(gateway.page("publish", "layers", "source=card&codec=VP8&size=1280x720&simulcast&start"))
        chromium.wait_for_state("live")
        gateway.wait_for_stream("layers", ("video", "audio"))

        def layers():
            stream = gateway.stream("layers")
            tracks = [track for track in stream["tracks"] if track["kind"] == "video"] if stream else []
            return tracks[0].get("layers") or [] if tracks else []

        wait_until(
            lambda: sum(layer["bitrate"] > 0 for layer in layers()) == 3, 40, lambda: f"not three layers: {layers()}", 0.5
        )
        with ImpairedPath(gateway, Link(0, 0.020, seed=7), Link(0, 0.020, rate=4e6, seed=8)) as path:
            with browsers.chromium() as viewer:
                play(viewer, path.page("play", "layers"))

                def width():
                    return viewer.run("return document.querySelector('video').videoWidth")

                wait_until(lambda: width() == 1280, 25, lambda: f"{width()} wide, {layers()}", 0.2)
                time.sleep(3)
                viewer.run(PICTURE_GAPS)
                path.down.rate = 700e3
                wait_until(lambda: width() < 1280, 5, lambda: f"still {width()} wide, {layers()}", 0.1)
                time.sleep(8)
                longest_gap(viewer)  # What the sudden bottleneck cost is one thing, what follows another.
                watched = watch(viewer, 8)
                # A path between two sizes gets the larger one by half its pictures.
                assert watched.frames_per_second >= 14, watched
                path.down.rate = 4e6
                wait_until(lambda: width() == 1280, 15, lambda: f"still {width()} wide, {layers()}", 0.1)
                assert longest_gap(viewer) <= 1000

                def is_whole():
                    watched = watch(viewer, 4)
                    return watched.frames_per_second >= 25 and watched.freezes == 0

                # All of its pictures may come a step after the size.
                wait_until(is_whole, 30, lambda: f"no full frame rate: {watch(viewer, 4)}, {layers()}", 0.1)


def test_a_path_too_narrow_for_any_picture_leaves_the_sound_and_the_page_says_so(demo, chromium):
    down = Link(0, 0.020, rate=6e6, seed=9)
    with ImpairedPath(demo, Link(0, 0.020, seed=10), down) as path:
        play(chromium, path.page("play", "demo"))
        time.sleep(4)
        down.rate = 200e3
        wait_until(lambda: "only sound" in chromium.detail, 40, lambda: f"{chromium.state}: {chromium.detail}", 0.2)
        assert chromium.state == "live"
        paused = chromium.statistics()
        time.sleep(4)
        later = chromium.statistics()
        assert later["audio"]["audioEnergy"] >= (paused["audio"]["audioEnergy"] or 0)
        track = next(track for track in demo.stream("demo")["tracks"] if track["kind"] == "video")
        assert track["pausedViewers"] == 1, track
        chromium.screenshot("sound-only")
        decoded = later["video"]["framesDecoded"]
        down.rate = 6e6
        wait_until(
            lambda: chromium.statistics()["video"]["framesDecoded"] > decoded + 60, 40, lambda: f"{chromium.detail}", 0.5
        )
        wait_until(lambda: chromium.detail == "", 10, lambda: chromium.detail)
