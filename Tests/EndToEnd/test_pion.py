"""Pion as publisher and viewer: what arrives, packet by packet."""

import time

import pytest

from harness import media, pion


def seconds_of_video(tally, seconds, share=0.9):
    """Frames that must have come in this time at 30 a second."""
    return tally["frames"] >= 30 * seconds * share


def test_h264_and_opus_reach_a_viewer_without_a_gap(gateway, stream):
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        summary = pion.watch(gateway.whep(stream), seconds=5).summary(30)
        video, audio = summary["tracks"]["video"], summary["tracks"]["audio"]
        assert (video["codec"], audio["codec"]) == ("video/H264", "audio/opus")
        assert seconds_of_video(video, 4.5), video
        assert (video["missing"], video["duplicates"], video["backwardsTime"]) == (0, 0, 0), video
        assert (audio["missing"], audio["duplicates"], audio["backwardsTime"]) == (0, 0, 0), audio
        assert audio["packets"] >= 50 * 4, audio
        assert video["senderReports"] >= 1 and audio["senderReports"] >= 1, summary
        assert summary["delete"] == 200
        publisher.stop()
        assert publisher.summary(5)["delete"] == 200


def test_vp8_reaches_a_viewer_without_a_gap(gateway, stream):
    with pion.publish(gateway.whip(stream), media.vp8_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        video = pion.watch(gateway.whep(stream), seconds=4).summary(30)["tracks"]["video"]
        assert video["codec"] == "video/VP8"
        assert seconds_of_video(video, 3.5), video
        assert (video["missing"], video["duplicates"]) == (0, 0), video


def test_a_viewer_who_asks_gets_a_key_frame_from_the_publisher(gateway, stream):
    with pion.publish(gateway.whip(stream), media.h264_file(gop=300), answer_pli=True) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        time.sleep(2)
        video = pion.watch(gateway.whep(stream), seconds=3, pli=True).summary(30)["tracks"]["video"]
        assert video["keyFrames"] >= 1, video
        assert video["missing"] == 0, video


def test_a_join_in_the_middle_of_a_long_group_starts_with_its_key_frame(gateway, stream):
    """The publisher never answers a request: only the group of pictures so far can help."""
    with pion.publish(gateway.whip(stream), media.h264_file(gop=300, bitrate="1000k", seconds=20)) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        time.sleep(4)
        video = pion.watch(gateway.whep(stream), seconds=3).summary(30)["tracks"]["video"]
        assert 0 <= video["firstKeyMs"] - video["firstPacketMs"] <= 5, video
        # Four seconds of the past and three of the present, with no number and no time out of order.
        assert seconds_of_video(video, 6.5), video
        assert (video["missing"], video["duplicates"], video["backwardsTime"]) == (0, 0, 0), video


@pytest.mark.parametrize("viewers", [8])
def test_many_viewers_see_the_same(gateway, stream, viewers):
    with pion.publish(gateway.whip(stream), media.h264_file(), media.opus_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream, ("video", "audio"))
        watching = [pion.watch(gateway.whep(stream), seconds=4) for _ in range(viewers)]
        for viewer in watching:
            video = viewer.summary(40)["tracks"]["video"]
            assert seconds_of_video(video, 3.5), video
            assert (video["missing"], video["duplicates"]) == (0, 0), video


def test_sessions_leave_nothing_behind(gateway, stream):
    with pion.publish(gateway.whip(stream), media.h264_file()) as publisher:
        publisher.wait_connected()
        gateway.wait_for_stream(stream)
        pion.watch(gateway.whep(stream), seconds=1).summary(30)
        assert gateway.stream(stream)["viewers"] == 0
