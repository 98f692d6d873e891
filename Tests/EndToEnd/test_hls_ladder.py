"""The picture in smaller sizes by HLS: listed, aligned, and changed between by real players."""

import json
import re
import subprocess

import pytest

from harness import media, pion
from harness.gateway import Gateway, binary
from harness.processes import wait_until

HEIGHTS = [360, 240, 120]
HIGH = [word for word in media.h264_options(gop=60, profile="high", b_frames=2) if word not in ("-tune", "zerolatency")]


def metric(gateway, name):
    lines = gateway.request("GET", "/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def playlist(gateway, stream, name="index.m3u8"):
    answer = gateway.request("GET", f"/hls/{stream}/{name}", timeout=20)
    assert answer.status == 200, answer
    return answer.text


def variants(text):
    """The attributes of each variant by its address."""
    found = re.findall(r"^#EXT-X-STREAM-INF:(.*)\n(\S+)", text, re.M)
    return {address: dict(re.findall(r'([A-Z-]+)=("[^"]*"|[^,]*)', attributes)) for attributes, address in found}


@pytest.fixture(scope="module")
def laddered():
    """A publisher with B-frames, and two sizes below its own."""
    with Gateway(settings={"transcode.ladder": "240p,120p@150k"}, name="gateway-ladder") as gateway:
        with media.publish_rtmp(gateway.rtmp("film"), video=HIGH):
            gateway.wait_for_stream("film", ("video", "audio"))
            assert metric(gateway, "martlet_transcodes") == 0, "nobody watches yet"
            playlist(gateway, "film")
            yield gateway, "film"


def test_all_sizes_are_listed_with_what_they_take(laddered):
    gateway, stream = laddered
    assert metric(gateway, "martlet_transcodes") == 1
    for name in ("240p.m3u8", "120p.m3u8"):
        playlist(gateway, stream, name)
    listed = variants(playlist(gateway, stream))
    assert list(listed) == ["video.m3u8", "240p.m3u8", "120p.m3u8"]
    assert [listed[name]["RESOLUTION"] for name in listed] == ["640x360", "426x240", "212x120"]
    for attributes in listed.values():
        assert re.fullmatch(r'"avc1\.[0-9a-f]{6},mp4a\.40\.2"', attributes["CODECS"]), attributes
        assert attributes["AUDIO"] == '"audio"' and 28 <= float(attributes["FRAME-RATE"]) <= 32, attributes
    rates = [int(attributes["AVERAGE-BANDWIDTH"]) for attributes in listed.values()]
    assert rates == sorted(rates, reverse=True) and 200_000 <= rates[-1] <= 320_000, rates


def test_ffprobe_lists_and_ffmpeg_decodes_every_size(laddered):
    gateway, stream = laddered
    address = f"{gateway.http}/hls/{stream}/index.m3u8"
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,height", "-of", "json", address],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    heights = {each["height"] for each in json.loads(probe.stdout)["streams"] if each["codec_name"] == "h264"}
    assert heights == set(HEIGHTS), probe
    for name in ("240p.m3u8", "120p.m3u8"):
        decode = subprocess.run(
            [media.FFMPEG_DEBIAN, "-v", "error", "-nostdin", "-i", f"{gateway.http}/hls/{stream}/{name}", "-t", "4",
             "-f", "null", "-"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert decode.returncode == 0 and not decode.stderr, decode.stderr


def test_segments_of_all_sizes_are_those_of_the_picture(laddered):
    gateway, stream = laddered

    def segments(name):
        text = playlist(gateway, stream, name)
        pattern = r"#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(?:#EXT-X-PART:.*\n)*#EXTINF:([\d.]+),\n\w+-\d+-(\d+)\.m4s"
        return {int(number): (date, float(seconds)) for date, seconds, number in re.findall(pattern, text)}

    wait_until(lambda: all(len(segments(name)) >= 2 for name in ("240p.m3u8", "120p.m3u8")), 15, "no two segments")
    rungs = [segments("240p.m3u8"), segments("120p.m3u8")]
    source = segments("video.m3u8")
    for rung in rungs:
        for number in set(rung) & set(source):
            assert rung[number][0] == source[number][0], (number, rung, source)
            # The publisher's frames are timed in milliseconds, in another order.
            assert rung[number][1] == pytest.approx(source[number][1], abs=0.04)


@pytest.mark.parametrize("name", ["index.m3u8", "240p.m3u8"])
def test_the_checker_finds_nothing_to_complain_of(laddered, name):
    gateway, stream = laddered
    result = subprocess.run(
        [binary(), "conformance", f"{gateway.http}/hls/{stream}/{name}", "--hls", "--json", "--duration", "10s"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr


def test_hls_js_changes_the_size_and_plays_on(laddered, chromium):
    gateway, stream = laddered
    chromium.open(f"{gateway.http}/")
    chromium.run(
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
    state = """return window.seen ? {height: seen.video.videoHeight, time: seen.video.currentTime, errors: seen.errors,
        levels: seen.hls.levels.map((level) => level.height),
        frames: seen.video.getVideoPlaybackQuality().totalVideoFrames} : null"""
    wait_until(lambda: (seen := chromium.run(state)) and seen["frames"] > 15, 30, lambda: chromium.run(state), 0.25)
    levels = chromium.run(state)["levels"]
    assert set(levels) == set(HEIGHTS), levels
    for height in (120, 360, 240):
        before = chromium.run(state)
        chromium.run(f"seen.hls.currentLevel = {levels.index(height)}")
        wait_until(
            lambda: (seen := chromium.run(state))["height"] == height and seen["time"] > before["time"] + 1,
            25, lambda: chromium.run(state), 0.25,
        )  # fmt: skip
    assert chromium.run(state)["errors"] == []


def test_beyond_the_limit_the_publishers_picture_is_listed_alone(start_gateway, stream):
    gateway = start_gateway(transcode__ladder="120p", transcode__max_streams=1)
    with media.publish_rtmp(gateway.rtmp("one")), media.publish_rtmp(gateway.rtmp("two")):
        for name in ("one", "two"):
            gateway.wait_for_stream(name, ("video", "audio"))
        assert list(variants(playlist(gateway, "one"))) == ["video.m3u8", "120p.m3u8"]
        assert list(variants(playlist(gateway, "two"))) == ["video.m3u8"]
        assert metric(gateway, "martlet_transcodes") == 1


def test_vp8_becomes_h264_with_the_ladder_in_one_transcode(start_gateway, stream):
    gateway = start_gateway(transcode__ladder="120p")
    with pion.publish(gateway.whip(stream), media.vp8_file(), media.opus_file(), answer_pli=True):
        gateway.wait_for_stream(stream, ("video", "audio"))
        wait_until(lambda: gateway.stream(stream)["tracks"][0].get("height"), 10, "no size")
        listed = variants(playlist(gateway, stream))
        assert list(listed) == ["video.m3u8", "120p.m3u8"], listed
        assert all(attributes["CODECS"].startswith('"avc1.') for attributes in listed.values()), listed
        assert metric(gateway, "martlet_transcodes") == 1
