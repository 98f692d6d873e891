"""aiortc as a publisher or a viewer; the last line of output is a JSON summary.

    aiortc_client.py publish URL --input FILE --codec H264 --seconds 8
    aiortc_client.py watch URL --seconds 5
"""

import argparse
import asyncio
import json
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError


async def negotiate(connection, http, url):
    """Offers, applies the answer, and returns the address of the session."""
    await connection.setLocalDescription(await connection.createOffer())
    headers = {"Content-Type": "application/sdp"}
    async with http.post(url, data=connection.localDescription.sdp, headers=headers) as response:
        body = await response.text()
        if response.status != 201:
            raise SystemExit(f"{response.status} {body}")
        await connection.setRemoteDescription(RTCSessionDescription(body, "answer"))
        return urljoin(url, response.headers["Location"])


def add_media(connection, arguments):
    player = MediaPlayer(arguments.input, loop=True)
    transceiver = connection.addTransceiver(player.video, direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == f"video/{arguments.codec}"])
    if player.audio:
        connection.addTransceiver(player.audio, direction="sendonly")


async def count_frames(track, counts):
    while True:
        try:
            await track.recv()
        except MediaStreamError:
            return
        counts[track.kind] += 1


async def main(arguments):
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    counts = {"video": 0, "audio": 0}
    tasks = []
    if arguments.mode == "publish":
        add_media(connection, arguments)
    else:
        connection.addTransceiver("video", direction="recvonly")
        connection.addTransceiver("audio", direction="recvonly")
        connection.on("track", lambda track: tasks.append(asyncio.ensure_future(count_frames(track, counts))))
    async with aiohttp.ClientSession() as http:
        session = await negotiate(connection, http, arguments.url)
        await asyncio.sleep(arguments.seconds)
        summary = {"state": connection.connectionState, "frames": counts, "delete": None}
        for report in (await connection.getStats()).values():
            if report.type in ("inbound-rtp", "outbound-rtp"):
                received = getattr(report, "packetsReceived", None)
                sent = getattr(report, "packetsSent", None)
                summary[report.kind] = {"packetsReceived": received, "packetsSent": sent}
        async with http.delete(session) as response:
            summary["delete"] = response.status
    await connection.close()
    print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["publish", "watch"])
    parser.add_argument("url")
    parser.add_argument("--input")
    parser.add_argument("--codec", default="H264")
    parser.add_argument("--seconds", type=float, default=5)
    asyncio.run(main(parser.parse_args()))
