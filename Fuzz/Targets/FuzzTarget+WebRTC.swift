import ICE
import Media
import Primitives
import RTP
import SDP
import STUN
import WebRTC

func fuzzSTUN(_ input: Span<UInt8>) {
    _ = STUNPeek.isSTUN(input)
    _ = STUNPeek.localUsernameFragment(of: input)
    _ = try? STUNMessage.parse(input)
}

/// A session's ICE agent, as any sender of a datagram meets it.
func fuzzICE(_ input: Span<UInt8>) {
    let local = ICECredentials(usernameFragment: "local", password: Secret("0123456789abcdefghijklmn"))
    let remote = ICECredentials(usernameFragment: "remote", password: Secret("nmlkjihgfedcba9876543210"))
    var agent = ICELiteAgent(local: local, remote: remote, createdAt: .zero)
    _ = agent.receive(input, from: TransportAddress(ipv4: 0x7F00_0001, port: 4000), at: .zero)
    _ = agent.deadline
}

/// What a TURN server sends over TCP to a client whose transaction IDs are all zeros.
func fuzzTURN(_ input: Span<UInt8>) {
    var generator = ZeroGenerator()
    var stream = TURNStream()
    var allocation = TURNAllocation(
        credentials: .init(username: "user", password: Secret("password")),
        peers: [TransportAddress(ipv4: 0x7F00_0001, port: 4000)],
        isReliable: true,
        now: .zero
    )
    _ = allocation.start(at: .zero, using: &generator)
    guard let messages = try? stream.receive(input) else { return }
    for message in messages {
        precondition(message.count <= TURNStream.maximumMessageLength, "a message is too long")
        _ = allocation.receive(message.span, at: .zero, using: &generator)
    }
}

private struct ZeroGenerator: RandomNumberGenerator {
    mutating func next() -> UInt64 { 0 }
}

/// A TCP stream in pieces whose length its first byte tells: cut otherwise, it must give the same datagrams.
func fuzzFrames(_ input: Span<UInt8>) {
    guard input.count > 0 else { return }
    let stream = array(input)
    let whole = frames(of: stream, pieces: stream.count)
    let cut = frames(of: stream, pieces: Int(stream[0]) % 64 + 1)
    precondition(whole == cut, "the frames depend on how the stream was cut")
    precondition(whole.allSatisfy { $0.count <= StreamDeframer.maximumFrameLength }, "a frame is too long")
}

private func frames(of stream: [UInt8], pieces: Int) -> [[UInt8]] {
    var deframer = StreamDeframer()
    var bytes = stream
    var frames: [[UInt8]] = []
    bytes.withUnsafeMutableBytes { buffer in
        for start in stride(from: 0, to: buffer.count, by: pieces) {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<min(start + pieces, buffer.count)])
            do throws(ParseError) {
                try deframer.receive(piece) { frames.append(Array($0)) }
            } catch {
                return
            }
        }
    }
    return frames
}

func fuzzRED(_ input: Span<UInt8>) {
    guard let payload = try? RedundantPayload(parsing: input) else { return }
    precondition(payload.blocks.count <= RedundantPayload.maximumBlocks, "more blocks than are allowed")
    for block in payload.blocks {
        precondition(block.range.upperBound <= input.count, "a block lies outside the payload")
    }
}

func fuzzRTP(_ input: Span<UInt8>) {
    guard let header = try? RTPHeader(parsing: input) else { return }
    precondition(header.payloadRange.upperBound <= input.count, "the payload lies outside the packet")
    for id in 0...UInt8(15) {
        if let range = RTPHeaderExtensions.first(id: id, header: header, in: input) {
            precondition(range.upperBound <= input.count, "an extension lies outside the packet")
        }
    }
}

func fuzzRTCP(_ input: Span<UInt8>) {
    guard let packets = try? RTCPPacket.parseCompound(input) else { return }
    var writer = ByteWriter()
    for packet in packets {
        packet.write(to: &writer)
    }
}

/// What was understood must be understood again after it was written.
func fuzzSessionDescription(_ input: Span<UInt8>) {
    guard let description = try? SessionDescription(parsing: input) else { return }
    do {
        _ = try SessionDescription(parsing: Array(description.description.utf8))
    } catch {
        preconditionFailure("our own description cannot be read: \(error)")
    }
}

func fuzzOffer(_ input: Span<UInt8>) {
    let bytes = array(input)
    _ = try? CounterOffer(insteadOf: bytes, tracks: FuzzValues.tracks, local: FuzzValues.local)
    guard let offer = try? SessionOffer(parsing: bytes) else { return }
    _ = try? offer.ingestAnswer(local: FuzzValues.local)
    _ = try? offer.playbackAnswer(tracks: FuzzValues.tracks, local: FuzzValues.local)
    // What another gateway says of the layers that it offers.
    for layer in offer.linkedLayers.values {
        precondition((0...255).contains(layer.picture), "a layer of a picture that cannot be")
        precondition((1...64).contains(layer.name.utf8.count), "a layer without a name, or with a long one")
    }
}

/// What a viewer answers to an offer of ours; it may take less than what is offered, and never something else.
func fuzzCounterAnswer(_ input: Span<UInt8>) {
    guard
        let offer = try? CounterOffer(
            insteadOf: FuzzValues.emptyOffer, tracks: FuzzValues.tracks, local: FuzzValues.local)
    else { preconditionFailure("a viewer that says nothing is offered nothing") }
    guard let answer = try? offer.read(answer: array(input)) else { return }
    precondition((1...FuzzValues.tracks.count).contains(answer.senders.count), "senders without tracks")
    precondition(Set(answer.senders.map(\.section)).count == answer.senders.count, "a section is answered twice")
    precondition(Set(answer.senders.map(\.ssrc)).count == answer.senders.count, "an SSRC is used twice")
    for sender in answer.senders {
        let extensions = [
            sender.transportCCExtension, sender.playoutDelayExtension, sender.captureTimeExtension,
        ].compactMap(\.self)
        precondition(extensions.allSatisfy { (1...14).contains($0) }, "an extension has no id of the one-byte form")
    }
}

func fuzzTrickle(_ input: Span<UInt8>) {
    let bytes = array(input)
    _ = try? SDPFragment(parsing: bytes)
    _ = try? TrickleFragment(parsing: bytes)
    _ = try? ICECandidate(parsing: String(decoding: bytes, as: UTF8.self))
}

func fuzzPayload(_ input: Span<UInt8>) {
    for codec in Codec.allCases {
        _ = KeyFrameDetector.startsKeyFrame(input, codec: codec)
        _ = PictureSize(ofKeyFrame: input, codec: codec)
    }
    _ = try? OpusPacketHeader(parsing: input)
}
