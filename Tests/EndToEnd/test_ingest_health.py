"""What the gateway finds by watching publishers: silence, a still picture, a bad uplink."""

from harness import media, pion
from harness.impaired import ImpairedPath, Link
from harness.processes import Program, wait_until


def findings(gateway, stream):
    status = gateway.stream(stream)
    return {finding["code"]: finding for finding in (status or {}).get("warnings", [])}


def wait_for(gateway, stream, *codes, seconds=40):
    wait_until(lambda: set(codes) <= set(findings(gateway, stream)), seconds,
               lambda: f"{sorted(findings(gateway, stream))}, not {codes}", 0.5)  # fmt: skip
    return findings(gateway, stream)


def test_silence_and_a_still_picture_are_found_until_they_end(gateway, stream):
    arguments = [
        media.FFMPEG_DEBIAN, "-hide_banner", "-loglevel", "info", "-re", "-f", "lavfi", "-i",
        "color=c=gray:size=640x360:rate=30", "-re", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo",
        *media.h264_options(), "-c:a", "aac", "-b:a", "96k", "-f", "flv", gateway.rtmp(stream),
    ]  # fmt: skip
    with Program(arguments, "ffmpeg-still"):
        found = wait_for(gateway, stream, "audio-silent", "video-still")
        assert all(finding["since"].endswith("Z") for finding in found.values()), found
        assert "muted" in found["audio-silent"]["message"] and "OBS" in found["video-still"]["message"]
        metrics = gateway.request("GET", "/metrics").text
        assert 'martlet_ingest_warnings{code="audio-silent"} 1' in metrics
    with media.publish_rtmp(gateway.rtmp(stream)):
        wait_until(lambda: (gateway.stream(stream) or {}).get("state") == "live", 20, "it does not come back")
        wait_until(lambda: not findings(gateway, stream), 20, lambda: f"{findings(gateway, stream)}")
        # A moving picture and a tone are no finding later on either.
        wait_until(lambda: gateway.stream(stream)["tracks"][0].get("keyFrameIntervalSeconds"), 20, "no key frames")
        assert findings(gateway, stream) == {}


def test_a_bad_uplink_is_found_and_its_end_too(gateway, stream):
    with ImpairedPath(gateway, Link(0.08, 0.005, seed=11), Link(0, 0.005, seed=12)) as path:
        with pion.publish(path.url("whip", stream), media.h264_file(), media.opus_file()) as publisher:
            publisher.wait_connected()
            found = wait_for(gateway, stream, "uplink-loss")
            assert "Wi-Fi" in found["uplink-loss"]["message"] and found["uplink-loss"]["since"]
            path.up.loss = 0
            wait_until(lambda: "uplink-loss" not in findings(gateway, stream), 40, "the loss is still told of", 0.5)
