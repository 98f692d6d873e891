import HLS
import Media
import Primitives

/// What clients of HLS send: the last part of a path and a query, here the same bytes for both.
func fuzzHLSRequest(_ input: Span<UInt8>) {
    let text = String(decoding: array(input), as: UTF8.self)
    if let name = ResourceName(text) { precondition(name.text == text, "one resource has one name") }
    _ = PlaylistDirectives(query: text)
}

/// What publishers make of time: each three bytes are a frame and how far it is from the one before.
///
/// A smaller size and a layer come with the same times, some of their frames left out. Fails when a part or a segment is longer than
/// its playlist says.
func fuzzHLSFrames(_ input: Span<UInt8>) {
    var presentation = Presentation(unixSeconds: 1_800_000_000)
    let sps = [UInt8]([0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA4, 0x2F, 0xE2, 0x24, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00])
    let rest: [UInt8] = [0x04, 0x00, 0x00, 0x03, 0x00, 0xF0, 0x3C, 0x58, 0xB9, 0x20]
    var times: [MediaKind: Int64] = [.audio: 0, .video: 0]
    var epoch: UInt64 = 1
    let rung = RenditionName.rung(height: 240)
    let layer = RenditionName.layer(1)
    presentation.addRungs([(rung, 300_000), (layer, 0)])
    func begin() {
        let began = FrameEvent.began(
            PublishEpoch(number: epoch, unixNanosecondsAtZero: 0, kinds: [.audio, .video]))
        let picture = FrameEvent.configured(.h264(sps: [sps + rest], pps: [[0x68, 0xCB]]))
        for event in [began, picture] {
            presentation.receive(event, at: .zero)
            presentation.receive(event, rung: rung, at: .zero)
            presentation.receive(event, rung: layer, at: .zero)
        }
        presentation.receive(.configured(.opus(channels: 2)), at: .zero)
        times = [.audio: 0, .video: 0]
    }
    begin()
    for offset in stride(from: 0, to: min(input.count, 1_500) - 2, by: 3) {
        let flags = input[offset]
        if flags == 0xFF {
            epoch += 1
            presentation.receive(.ended, at: .zero)
            begin()
            continue
        }
        let kind: MediaKind = flags & 1 == 0 ? .video : .audio
        // Milliseconds, a little back up to half a minute ahead.
        let step = Int64(Int16(truncatingIfNeeded: Int(input[offset + 1]) << 8 | Int(input[offset + 2])))
        let time = max(0, (times[kind] ?? 0) + (flags & 2 == 0 ? abs(step) % 60 : step) * 1_000)
        times[kind] = time
        let frame = FrameEvent.frame(
            EncodedFrame(
                codec: kind == .video ? .h264 : .opus, decodeTime: time, presentationTime: time,
                isKeyFrame: kind == .audio || flags & 4 != 0, payload: [0xFC, flags]))
        presentation.receive(frame, at: Instant.zero + .microseconds(time))
        if kind == .video, flags & 16 == 0 { presentation.receive(frame, rung: rung, at: .zero) }
        if kind == .video, flags & 32 == 0 { presentation.receive(frame, rung: layer, at: .zero) }
    }
    for kind in presentation.kinds { expectLimits(presentation, RenditionName(kind)) }
    expectLimits(presentation, rung)
    expectLimits(presentation, layer)
    _ = presentation.answer(.multivariant)
}

private func expectLimits(_ presentation: Presentation, _ name: RenditionName) {
    guard case .playlist(let text) = presentation.answer(.media(name)), let target = presentation.targetDuration else {
        return
    }
    for line in text.split(separator: "\n") {
        if line.hasPrefix("#EXTINF:"), let seconds = Double(line.dropFirst(8).dropLast()) {
            precondition(seconds.rounded() <= Double(target), "a segment of \(seconds) s")
        } else if line.hasPrefix("#EXT-X-PART:DURATION="), let seconds = Double(line.dropFirst(21).prefix { $0 != "," })
        {
            precondition(seconds <= presentation.partTarget + 0.001, "a part of \(seconds) s")
        }
    }
}
