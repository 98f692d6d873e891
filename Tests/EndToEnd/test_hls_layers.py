"""The sizes that a browser sends by simulcast, as variants of HLS: listed, aligned, changed between, and lost."""

import json
import re
import subprocess

import pytest

from harness import browser as browsers
from harness import media
from harness.gateway import Gateway, binary
from harness.processes import wait_until
from test_hls_ladder import playlist, variants


def layers(gateway, stream):
    tracks = [track for track in gateway.stream(stream)["tracks"] if track["kind"] == "video"]
    return [layer for layer in tracks[0].get("layers") or [] if layer["bitrate"] > 0]


@pytest.fixture(scope="module")
def simulcast():
    """A browser that sends three sizes, and makes key frames when asked."""
    with Gateway(name="gateway-layers") as gateway, browsers.chromium() as publisher:
        publisher.open(gateway.page("publish", "layered", "source=card&codec=H264&size=1280x720&simulcast&start"))
        publisher.wait_for_state("live")
        gateway.wait_for_stream("layered")
        wait_until(lambda: len(layers(gateway, "layered")) >= 3, 60, lambda: layers(gateway, "layered"), 0.5)
        playlist(gateway, "layered")
        yield gateway, "layered", publisher


def test_each_size_is_a_variant_with_what_it_takes(simulcast):
    gateway, stream, _ = simulcast
    wait_until(lambda: len(variants(playlist(gateway, stream))) == 3, 20, lambda: playlist(gateway, stream), 1)
    listed = variants(playlist(gateway, stream))
    for name in listed:
        assert playlist(gateway, stream, name)
    listed = variants(playlist(gateway, stream))
    heights = [int(attributes["RESOLUTION"].split("x")[1]) for attributes in listed.values()]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 3, listed
    assert set(heights) == {layer["height"] for layer in layers(gateway, stream)}
    rates = [int(attributes["AVERAGE-BANDWIDTH"]) for attributes in listed.values()]
    assert rates == sorted(rates, reverse=True), rates
    for attributes in listed.values():
        assert attributes["AUDIO"] == '"audio"' and "mp4a.40.2" in attributes["CODECS"], attributes
        assert attributes["CODECS"].startswith('"avc1.'), attributes


def test_segments_of_all_sizes_begin_at_the_same_time(simulcast):
    gateway, stream, _ = simulcast

    def segments(name):
        text = playlist(gateway, stream, name)
        pattern = r"#EXT-X-PROGRAM-DATE-TIME:\S+:([\d.]+)Z?\S*\n(?:#EXT-X-PART:.*\n)*#EXTINF:([\d.]+),\n\w+-\d+-(\d+)\.m4s"
        return {int(number): (float(date), float(seconds)) for date, seconds, number in re.findall(pattern, text)}

    names = list(variants(playlist(gateway, stream)))
    wait_until(lambda: all(len(segments(name)) >= 4 for name in names), 20, lambda: [segments(name) for name in names])
    source = segments("video.m3u8")
    for name in names[1:]:
        layer = segments(name)
        for number in sorted(set(layer) & set(source))[1:]:
            distance = (layer[number][0] - source[number][0] + 30) % 60 - 30
            assert abs(distance) <= 0.35, (number, layer, source)
        assert "#EXT-X-GAP" not in playlist(gateway, stream, name)


def test_ffmpeg_decodes_every_size_and_the_checker_finds_nothing(simulcast):
    gateway, stream, _ = simulcast
    names = list(variants(playlist(gateway, stream)))
    for name in names[1:]:
        decode = subprocess.run(
            [media.FFMPEG_DEBIAN, "-v", "error", "-nostdin", "-i", f"{gateway.http}/hls/{stream}/{name}", "-t", "4",
             "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert decode.returncode == 0 and not decode.stderr, decode.stderr
    result = subprocess.run(
        [binary(), "conformance", f"{gateway.http}/hls/{stream}/index.m3u8", "--hls", "--json", "--duration", "8s"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    examined = [each["name"] for each in json.loads(result.stdout)["playlists"]]
    assert examined == [*names, "audio.m3u8"], examined


def test_hls_js_changes_the_size_and_outlives_its_end(simulcast):
    gateway, stream, publisher = simulcast
    with browsers.chromium() as viewer:
        viewer.open(f"{gateway.http}/")
        viewer.run(
            f"""import("/assets/hls.js").then(({{ Hls }}) => {{
                const video = document.createElement("video");
                video.muted = true;
                document.body.append(video);
                const hls = new Hls({{ lowLatencyMode: true, startLevel: 0 }});
                window.seen = {{ hls, video, errors: [] }};
                hls.on(Hls.Events.ERROR, (_, data) => {{ if (data.fatal) seen.errors.push(data.details); }});
                hls.loadSource("/hls/{stream}/index.m3u8");
                hls.attachMedia(video);
                video.play();
            }});"""
        )
        script = """return window.seen ? {height: seen.video.videoHeight, time: seen.video.currentTime,
            errors: seen.errors, levels: seen.hls.levels.map((level) => level.height)} : null"""

        def state():
            return viewer.run(script)

        wait_until(lambda: (seen := state()) and seen["time"] > 0 and seen["height"] > 0, 30, state, 0.25)
        levels = state()["levels"]
        assert len(levels) == 3, levels
        for height in (min(levels), max(levels), sorted(levels)[1]):
            before = state()
            viewer.run(f"seen.hls.currentLevel = {levels.index(height)}")
            wait_until(
                lambda: (seen := state())["height"] == height and seen["time"] > before["time"] + 1, 25, state, 0.25
            )
        # The size that is watched ends at its publisher.
        viewer.run("seen.hls.currentLevel = -1")
        publisher.run(
            """const sender = martlet.pc.getSenders().find((each) => each.track?.kind === "video");
            const parameters = sender.getParameters();
            parameters.encodings[1].active = false;
            sender.setParameters(parameters);"""
        )
        middle = sorted(levels)[1]
        wait_until(
            lambda: middle not in [int(a["RESOLUTION"].split("x")[1]) for a in variants(playlist(gateway, stream)).values()],
            20, lambda: playlist(gateway, stream), 0.5,
        )  # fmt: skip
        before = state()
        wait_until(lambda: state()["time"] > before["time"] + 4, 25, state, 0.25)
        assert state()["errors"] == []
