"""`martlet publish` and `martlet play`: our own clients, against our own gateway, and checked by ffprobe."""

import http.server
import json
import signal
import subprocess
import threading
import time

import pytest

from harness import media
from harness.gateway import binary
from harness.processes import WORK, Program, free_port, wait_until


class Client(Program):
    """A command whose last line is a JSON object, or whose only line says what is wrong."""

    @property
    def figures(self):
        lines = [line for line in self.log.splitlines() if line.startswith("{")]
        assert lines, self.tail()
        return json.loads(lines[-1])

    def finish(self, seconds=30):
        assert self.wait(seconds) == 0, self.tail()
        return self.figures

    def refusal(self, seconds=20):
        assert self.wait(seconds) != 0, self.tail()
        # One clear line, however it is wrapped in "Error: ".
        lines = [line for line in self.log.splitlines() if line.strip()]
        assert len(lines) == 1, self.tail()
        return lines[0]


def publish(url, *arguments, environment=None):
    return Client([binary(), "publish", url, "--json", *arguments], "martlet-publish", environment)


def play(url, *arguments, environment=None):
    return Client([binary(), "play", url, "--json", *arguments], "martlet-play", environment)


def probe(path):
    """The streams of a file by kind, and whether ffmpeg decodes it without a complaint."""
    output = subprocess.run(
        ["/usr/bin/ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", str(path)],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    # The group of pictures that a viewer starts with lies close together: no frame rate is imposed on it.
    decoded = subprocess.run(
        [media.FFMPEG_DEBIAN, "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-enc_time_base", "1:90000",
         "-f", "null", "-"],
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert decoded.returncode == 0 and not decoded.stderr, decoded.stderr.decode()[:2000]
    return {stream["codec_type"]: stream for stream in json.loads(output.stdout)["streams"]}


def film(name, video, audio, seconds=8):
    return media._make(name, [*media.PICTURE, *media.TONE, "-t", str(seconds), *video, *audio])


AAC = ["-c:a", "aac", "-b:a", "96k", "-ac", "2"]
OPUS = ["-c:a", "libopus", "-ac", "2"]


@pytest.mark.parametrize("protocol", ["whip", "rtmp"])
def test_the_test_pattern_is_played(gateway, stream, protocol):
    with publish(getattr(gateway, protocol)(stream), "--test-pattern") as publisher:
        gateway.wait_for_stream(stream, ("video", "audio"))
        seen = play(gateway.whep(stream), "--duration", "6s").finish()
        assert seen["end"] == "duration"
        assert seen["first_frame_ms"] < 1000, seen
        video, audio = seen["video"], seen["audio"]
        assert video["codec"] == "h264" and audio["codec"] == "opus"
        assert video["fps"] >= 28 and video["undecodable_frames"] == 0, seen
        assert video["key_frames"] >= 2 and video["bitrate_bps"] > 100_000
        assert audio["frames"] >= 6 * 50 - 30, seen
        assert video["packets_unrecovered"] == 0 and audio["packets_unrecovered"] == 0
        publisher.signal(signal.SIGINT)
        sent = publisher.finish()
        assert sent["protocol"] == protocol and sent["end"] == "interrupted"
        assert sent["video"]["frames"] > video["frames"] * 0.9, sent


FILMS = {
    "h264-opus.mp4": (media.h264_options(profile="high"), OPUS, "h264"),
    "h264-aac.mp4": (media.h264_options(), AAC, "h264"),
    "h264-aac.flv": (media.h264_options(), AAC, "h264"),
    "h264-aac.ts": (media.h264_options(), AAC, "h264"),
    "vp8-opus.webm": (["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "30"], OPUS, "vp8"),
    "vp9-opus.mkv": (["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "30"], OPUS, "vp9"),
    "h265-aac.mp4": (
        ["-c:v", "libx265", "-preset", "ultrafast", "-g", "30", "-x265-params", "bframes=0:log-level=none"], AAC, "hevc",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("protocol", ["whip", "rtmp"])
def test_a_file_is_received_as_it_is(gateway, stream, name, protocol):
    video, audio, codec = FILMS[name]
    source = film(f"client-{name}", video, audio)
    target = WORK / f"received-{protocol}-{name.split('.')[0]}.mkv"
    with publish(getattr(gateway, protocol)(stream), "--input", source, "--loop"):
        gateway.wait_for_stream(stream, ("video", "audio"))
        seen = play(gateway.whep(stream), "--duration", "5s", "--output", target).finish()
    assert seen["output"] == str(target)
    assert seen["video"]["fps"] >= 27 and seen["video"]["undecodable_frames"] == 0, seen
    streams = probe(target)
    assert streams["video"]["codec_name"] == codec
    assert (streams["video"]["width"], streams["video"]["height"]) == (640, 360)
    assert int(streams["video"]["nb_read_packets"]) >= 130, streams
    # Sound goes on by WebRTC as Opus, whatever it was.
    assert streams["audio"]["codec_name"] == "opus"
    assert int(streams["audio"]["nb_read_packets"]) >= 200, streams


def test_a_received_stream_fits_into_mp4(gateway, stream):
    target = WORK / "received.mp4"
    with publish(gateway.whip(stream), "--test-pattern"):
        gateway.wait_for_stream(stream, ("video", "audio"))
        play(gateway.whep(stream), "--duration", "4s", "--output", target).finish()
    streams = probe(target)
    assert streams["video"]["codec_name"] == "h264" and streams["audio"]["codec_name"] == "opus"
    assert abs(float(streams["video"]["duration"]) - float(streams["audio"]["duration"])) < 0.5, streams


def test_a_file_ends_the_publication_and_the_viewer_is_told(start_gateway, stream):
    gateway = start_gateway(publish__grace="1s")
    source = film("client-short.mp4", media.h264_options(), OPUS, seconds=4)
    publisher = publish(gateway.whip(stream), "--input", source)
    viewer = play(gateway.whep(stream))
    sent = publisher.finish()
    assert sent["end"] == "end of file"
    assert sent["video"]["frames"] == 120 and sent["video"]["packets"] > 120
    assert 3.5 < sent["seconds"] < 6
    seen = viewer.finish()
    assert seen["end"] == "server"
    assert seen["video"]["frames"] >= 110, seen


def test_a_viewer_waits_for_the_publisher_and_leaves_nothing_behind(gateway, stream):
    viewer = play(gateway.whep(stream), "--duration", "2s", "--wait", "30s")
    time.sleep(1)
    assert viewer.running
    with publish(gateway.rtmp(stream), "--test-pattern"):
        gateway.wait_for_stream(stream)
        assert viewer.finish()["video"]["frames"] > 40
        wait_until(lambda: gateway.stream(stream)["viewers"] == 0, 5, lambda: gateway.stream(stream))


def test_a_viewer_of_nothing_is_told(gateway, stream):
    words = play(gateway.whep(stream), "--wait", "0s").refusal()
    assert "409" in words and stream in words, words


@pytest.fixture
def redirector():
    """A server that sends every offer elsewhere, and counts the offers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            server.offers += 1
            self.send_response(307)
            self.send_header("Location", server.target or self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.offers, server.target = 0, None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_offer_follows_where_it_is_sent_but_not_for_ever(gateway, stream, redirector):
    address = f"http://127.0.0.1:{redirector.server_port}/anywhere"
    redirector.target = gateway.whip(stream)
    with publish(address, "--test-pattern"):
        gateway.wait_for_stream(stream, ("video", "audio"))
        redirector.target = gateway.whep(stream)
        assert play(address, "--duration", "2s").finish()["video"]["frames"] > 40
    assert redirector.offers == 2
    redirector.target = None
    assert "redirects" in play(address).refusal()
    assert redirector.offers < 10


def test_b_frames_are_refused_by_whip_with_the_cure_and_go_by_rtmp(gateway, stream):
    source = film(
        "client-b-frames.mp4",
        ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "30", "-pix_fmt", "yuv420p"], AAC,
    )  # fmt: skip
    words = publish(gateway.whip(stream), "--input", source).refusal()
    assert "B-frames" in words and "-bf 0" in words, words
    with publish(gateway.rtmp(stream), "--input", source, "--duration", "4s") as publisher:
        gateway.wait_for_stream(stream)
        assert publisher.finish()["video"]["frames"] > 90


def test_a_token_opens_the_door(start_gateway, stream):
    gateway = start_gateway(auth__anonymous__publish="nobody", auth__anonymous__play="nobody")
    token = subprocess.run(
        [binary(), "token", "create", "--stream", stream, "--allow", "publish,play", "--data-directory", gateway.data],
        capture_output=True, check=True, text=True,
    ).stdout.strip()  # fmt: skip
    for client in (
        publish(gateway.whip(stream), "--test-pattern"), publish(gateway.rtmp(stream), "--test-pattern"),
        play(gateway.whep(stream)),
    ):  # fmt: skip
        words = client.refusal()
        assert "token" in words.lower(), words
    for arguments, environment in ((("--token", token), None), ((), {"MARTLET_TOKEN": token})):
        with publish(gateway.whip(stream), "--test-pattern", *arguments, environment=environment):
            watching = play(gateway.whep(stream), "--duration", "2s", *arguments, environment=environment)
            assert watching.finish()["video"]["frames"] > 40
            assert token not in watching.log
    with publish(gateway.rtmp(stream), "--test-pattern", "--token", token) as publisher:
        watching = play(gateway.whep(stream), "--duration", "2s", "--token", token)
        assert watching.finish()["video"]["frames"] > 40
        assert token not in publisher.log


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["publish", "http://127.0.0.1:{port}/whip/x", "--test-pattern"], "connection refused"),
        (["publish", "rtmp://127.0.0.1:{port}/live/x", "--test-pattern"], "connection refused"),
        (["play", "http://127.0.0.1:{port}/whep/x"], "connection refused"),
        (["publish", "http://127.0.0.1:{port}/whip/x", "--input", "/nowhere.mp4"], "No such file"),
        (["publish", "ftp://127.0.0.1/x", "--test-pattern"], "neither WHIP"),
        (["publish", "rtmp://127.0.0.1", "--test-pattern"], "rtmp://localhost/live/cam"),
        (["play", "127.0.0.1"], "is not an address"),
        (["play", "http://127.0.0.1:{port}/whep/x", "--output", "film.thing"], ".mkv"),
        (["play", "http://127.0.0.1:{port}/whep/x", "--duration", "soon"], "--duration"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments, words):
    arguments = [argument.format(port=free_port()) for argument in arguments]
    assert words in Client([binary(), *arguments], "martlet-wrong").refusal()


def test_a_file_without_anything_to_send_says_what_it_has(gateway, stream):
    source = media._make("client-mp3.mp3", [*media.TONE, "-t", "1", "-c:a", "libmp3lame"])
    words = publish(gateway.whip(stream), "--input", source).refusal()
    assert "mp3" in words, words


@pytest.mark.parametrize("command", ["publish", "play"])
def test_help_teaches(command):
    shown = subprocess.run([binary(), command, "--help"], capture_output=True, check=True, text=True).stdout
    assert f"martlet {command} http://" in shown
    assert "--token" in shown and "--json" in shown
