"""Offers written by hand, so that a test can leave out or spoil any part of them."""

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)

CODECS = {
    "H264": [
        "a=rtpmap:102 H264/90000", "a=rtcp-fb:102 nack", "a=rtcp-fb:102 nack pli",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    ],
    "VP8": ["a=rtpmap:102 VP8/90000", "a=rtcp-fb:102 nack", "a=rtcp-fb:102 nack pli"],
    "H265": ["a=rtpmap:102 H265/90000"],
}  # fmt: skip


def offer(direction="sendonly", codec="H264", fingerprint=FINGERPRINT, ice=True, setup="actpass", extra=()):
    """A bundled offer of one video and one audio section."""
    session = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    transport = ["c=IN IP4 0.0.0.0"]
    if ice:
        transport += ["a=ice-ufrag:h4ndM4de", "a=ice-pwd:0123456789abcdefghijklmn"]
    if fingerprint:
        transport += [f"a=fingerprint:{fingerprint}"]
    transport += [f"a=setup:{setup}", "a=rtcp-mux", f"a={direction}"]
    # A description that sends names its media stream.
    stream = ["a=msid:s v", "a=ssrc:1111 cname:hand"] if direction == "sendonly" else []
    video = ["m=video 9 UDP/TLS/RTP/SAVPF 102", *transport, "a=mid:0", *CODECS[codec], *stream]
    audio = [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111", *transport, "a=mid:1", "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
    ]  # fmt: skip
    return "\r\n".join([*session, *video, *audio, *extra]) + "\r\n"
