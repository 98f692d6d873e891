"""Recordings: what is on disk after a crash, on a full disk, in a directory that vanishes, and what players make of it."""

import json
import os
import shutil
import subprocess
import time

import pytest

from harness import media
from harness.gateway import Gateway
from harness.processes import wait_until

RECORDED = ["-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "high", "-bf", "2", "-pix_fmt", "yuv420p", "-g", "30"]


def probe(address, options=()):
    """Frames by codec, as ffprobe counts them; it must have nothing to complain of."""
    arguments = [
        "ffprobe", "-v", "error", *options, "-count_frames",
        "-show_entries", "stream=codec_name,nb_read_frames,width,height", "-of", "json", str(address),
    ]  # fmt: skip
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    assert not done.stderr, done.stderr
    streams = json.loads(done.stdout)["streams"]
    return {stream["codec_name"]: int(stream["nb_read_frames"]) for stream in streams}


def recordings(gateway, query=""):
    answer = gateway.request("GET", f"/api/v1/recordings{query}")
    assert answer.status == 200, answer
    return answer.json["recordings"]


def wait_for_seconds(gateway, seconds, query=""):
    """Waits until this much has been recorded in all."""
    return wait_until(
        lambda: (found := recordings(gateway, query)) and sum(one["durationSeconds"] for one in found) >= seconds and found,
        40,
        lambda: f"{recordings(gateway, query)}\n{gateway.program.tail()}",
    )


def metric(gateway, name):
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in gateway.request("GET", "/metrics").text.splitlines()
        if line.startswith(name)
    )


def test_after_a_crash_all_but_the_last_fragment_plays(start_gateway, stream):
    gateway = start_gateway(recording__streams="*")
    with media.publish_rtmp(gateway.rtmp(stream), video=RECORDED):
        before = wait_for_seconds(gateway, 4)
        gateway.program.kill()
    (file,) = (gateway.data / "recordings" / stream).glob("*.mp4")
    # Something of a fragment that was being written.
    with open(file, "ab") as torn:
        torn.write(b"\x00\x00\x10\x00moof\x00\x00")
    gateway.start()
    (after,) = wait_until(lambda: recordings(gateway), 10, "the recording is not found")
    assert after["state"] == "complete"
    assert after["startedAt"] == before[0]["startedAt"]
    assert after["durationSeconds"] >= 4
    frames = probe(file)
    assert frames["h264"] == pytest.approx(after["durationSeconds"] * 30, abs=1)
    assert frames["aac"] >= after["durationSeconds"] * 45


def test_a_recording_is_played_by_playlist_and_by_ranges(start_gateway, stream):
    gateway = start_gateway(recording__segment_duration="3s")
    with media.publish_rtmp(gateway.rtmp(stream), video=RECORDED):
        gateway.wait_for_stream(stream, ("video", "audio"))
        assert recordings(gateway) == []
        assert gateway.request("POST", f"/api/v1/streams/{stream}/recording").status == 204
        wait_for_seconds(gateway, 5)
        assert gateway.request("DELETE", f"/api/v1/streams/{stream}/recording").status == 204
        found = wait_until(
            lambda: all(one["state"] == "complete" for one in recordings(gateway)) and recordings(gateway), 10, "not complete"
        )
    assert len(found) == 2
    for one in found:
        address = f"{gateway.http}/api/v1/recordings/{one['id']}"
        for form in ("index.m3u8", "media.mp4"):
            frames = probe(f"{address}/{form}")
            assert frames["h264"] == pytest.approx(one["durationSeconds"] * 30, abs=1), form
            assert frames["aac"] > one["durationSeconds"] * 45, form
        # From the middle, which takes an index and a range.
        arguments = ["ffmpeg", "-v", "error", "-ss", "1", "-i", f"{address}/media.mp4", "-f", "null", "-"]
        assert not subprocess.run(arguments, capture_output=True, timeout=60, check=True).stderr
    oldest = found[-1]
    assert oldest["durationSeconds"] == pytest.approx(3, abs=0.1)
    assert gateway.request("DELETE", f"/api/v1/recordings/{oldest['id']}").status == 204
    assert [one["id"] for one in recordings(gateway)] == [found[0]["id"]]


def test_publishers_in_turn_have_files_of_their_own(start_gateway, stream):
    gateway = start_gateway(recording__streams="test-*")
    for publish, video in ((media.publish_rtmp, RECORDED), (media.publish_whip, None)):
        with publish(gateway.rtmp(stream) if publish is media.publish_rtmp else gateway.whip(stream), video=video):
            wait_for_seconds(gateway, 3 if publish is media.publish_rtmp else 7)
    newest, oldest = wait_until(
        lambda: all(one["state"] == "complete" for one in recordings(gateway)) and recordings(gateway), 10, "not complete"
    )
    assert {track["codec"] for track in oldest["tracks"]} == {"h264", "aac"}
    assert {track["codec"] for track in newest["tracks"]} == {"h264", "opus"}
    for one in (newest, oldest):
        frames = probe(f"{gateway.http}/api/v1/recordings/{one['id']}/media.mp4")
        assert frames["h264"] == pytest.approx(one["durationSeconds"] * 30, abs=3)
        assert len(frames) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk_pauses_the_recording_and_nothing_else(stream):
    gateway = Gateway(settings={"recording.streams": "*"}, name="gateway-full-disk")
    directory = gateway.data / "recordings"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)], check=True)
    try:
        with gateway, media.publish_rtmp(gateway.rtmp(stream)) as encoder:
            wait_until(lambda: metric(gateway, 'martlet_recordings{state="paused"}') == 1, 40, "not paused")
            assert metric(gateway, 'martlet_recording_pauses_total{reason="disk-full"}') >= 1
            first = recordings(gateway)[-1]
            assert first["durationSeconds"] >= 1
            assert probe(f"{gateway.http}/api/v1/recordings/{first['id']}/media.mp4")["h264"] >= 30
            # Whoever makes room need not do anything else.
            subprocess.run(["mount", "-o", "remount,size=16m", str(directory)], check=True)
            wait_until(lambda: metric(gateway, 'martlet_recordings{state="active"}') == 1, 20, "not resumed")
            assert encoder.running and gateway.stream(stream)["state"] == "live"
            assert "Recording paused" in gateway.program.log and "Recording resumed" in gateway.program.log
            wait_until(lambda: len(recordings(gateway)) == 2, 10, "no second file")
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def test_a_directory_that_vanishes_comes_back(start_gateway, stream):
    gateway = start_gateway(recording__streams="*")
    with media.publish_rtmp(gateway.rtmp(stream)):
        wait_for_seconds(gateway, 1)
        shutil.rmtree(gateway.data / "recordings")
        wait_until(lambda: metric(gateway, 'martlet_recordings{state="paused"}') == 1, 15, "not paused")
        assert gateway.stream(stream)["state"] == "live"
        wait_until(lambda: list((gateway.data / "recordings").glob("*/*.mp4")), 20, "not resumed")
        wait_until(lambda: metric(gateway, 'martlet_recordings{state="active"}') == 1, 20, "not resumed")
    time.sleep(0.1)
    assert gateway.program.running


def assert_paused_and_live(gateway, stream, encoder):
    """The recording waits because nothing may be written, and the stream does not notice."""
    wait_until(lambda: metric(gateway, 'martlet_recordings{state="paused"}') == 1, 20, "not paused")
    assert metric(gateway, 'martlet_recording_pauses_total{reason="not-writable"}') >= 1
    assert "Recording paused" in gateway.program.log
    assert encoder.running and gateway.stream(stream)["state"] == "live"
    assert gateway.request("GET", f"/hls/{stream}/index.m3u8", timeout=20).status == 200


def assert_resumed(gateway):
    wait_until(lambda: metric(gateway, 'martlet_recordings{state="active"}') == 1, 20, "not resumed")
    assert "Recording resumed" in gateway.program.log


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system takes root")
def test_a_read_only_file_system_pauses_the_recording_until_it_is_writable(stream):
    gateway = Gateway(settings={"recording.streams": "*"}, name="gateway-read-only")
    directory = gateway.data / "recordings"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,ro", "tmpfs", str(directory)], check=True)
    try:
        with gateway, media.publish_rtmp(gateway.rtmp(stream)) as encoder:
            gateway.wait_for_stream(stream)
            assert_paused_and_live(gateway, stream, encoder)
            assert recordings(gateway) == []
            subprocess.run(["mount", "-o", "remount,rw", str(directory)], check=True)
            assert_resumed(gateway)
            wait_for_seconds(gateway, 2)
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="taking another user takes root and setpriv")
def test_a_directory_that_becomes_read_only_in_the_middle_keeps_what_is_there(stream):
    """As a user whom the permissions of a directory hold for, as a service has."""
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    settings = {"recording.streams": "*", "recording.segment_duration": "3s"}
    gateway = Gateway(settings=settings, name="gateway-unprivileged", prefix=user)
    os.chown(gateway.data, 65534, 65534)
    with gateway, media.publish_rtmp(gateway.rtmp(stream)) as encoder:
        wait_for_seconds(gateway, 1)
        directory = gateway.data / "recordings" / stream
        directory.chmod(0o500)
        assert_paused_and_live(gateway, stream, encoder)
        (kept,) = recordings(gateway)
        assert kept["state"] == "complete" and kept["durationSeconds"] == pytest.approx(3, abs=0.2)
        assert probe(f"{gateway.http}/api/v1/recordings/{kept['id']}/media.mp4")["h264"] == pytest.approx(90, abs=3)
        directory.chmod(0o700)
        assert_resumed(gateway)
        wait_until(lambda: len(recordings(gateway)) == 2, 10, "no second file")
