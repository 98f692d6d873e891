package import Media
package import Primitives
import RTP
import SRTP
import WebRTC

// Media: frames in and out, reports, and feedback. `docs/rtcp-ledger.md` says what each type is for.
extension ClientSession {
    // MARK: - Sending

    /// Says how a track is encoded, before its first frame and when it changes.
    package mutating func configure(_ configuration: CodecConfiguration) {
        for index in outgoing.indices where outgoing[index].negotiated.description.codec == configuration.codec {
            outgoing[index].configuration = configuration
        }
    }

    /// Sends a frame, in decoding order within each track; dropped while not connected, or when the server took no
    /// track of its codec.
    package mutating func send(_ frame: EncodedFrame, at now: Instant) {
        guard phase == .connected,
            let index = outgoing.firstIndex(where: { $0.negotiated.description.codec == frame.codec })
        else { return }
        if epoch == nil { epoch = now.advanced(by: -.microseconds(frame.decodeTime)) }
        let isFirst = outgoing[index].statistics.packets == 0
        for packet in outgoing[index].packets(of: frame) { sendRTP(packet) }
        // Viewers cannot synchronise the tracks before they have a report of each.
        if isFirst, outgoing[index].statistics.packets > 0 { sendReport(of: index, at: now) }
    }

    private mutating func sendReport(of index: Int, at now: Instant) {
        guard let epoch else { return }
        let mediaTime = now.since(epoch).nanoseconds / 1_000
        guard let report = outgoing[index].report(at: ntp(at: now), mediaTime: mediaTime) else { return }
        sendRTCP([
            .senderReport(report),
            .sourceDescription(SourceDescription(ssrc: report.ssrc, canonicalName: Self.canonicalName)),
        ])
    }

    // MARK: - Receiving

    mutating func receiveRTP(_ datagram: UnsafeMutableRawBufferPointer, at now: Instant) {
        let length: Int
        do throws(SRTPError) {
            guard let unprotected = try receiver?.unprotect(datagram) else { return ignore() }
            length = unprotected
        } catch {
            return ignore()
        }
        let packet = UnsafeMutableRawBufferPointer(rebasing: datagram[..<length])
        let bytes = Span(_unsafeElements: UnsafeBufferPointer(packet.bindMemory(to: UInt8.self)))
        guard let header = try? RTPHeader(parsing: bytes) else { return ignore() }
        let payload = bytes.extracting(header.payloadRange)
        for index in incoming.indices {
            let track = incoming[index].negotiated
            if header.payloadType == track.payloadType {
                guard incoming[index].receive(header, payload: payload, at: now, localTime: ntp(at: now)) else {
                    return ignore()
                }
            } else if header.payloadType == track.rtxPayloadType {
                incoming[index].receiveRetransmission(header, payload: payload, at: now)
            } else {
                continue
            }
            return deliver(index, at: now)
        }
        ignore()
    }

    private mutating func deliver(_ index: Int, at now: Instant) {
        let origin = ntp(at: epoch ?? now)
        for frame in incoming[index].frames(at: now, since: origin) { emit(.frame(frame)) }
        let packets = incoming[index].feedback(sender: reportSSRC, intraRequest: &intraRequest, at: now)
        if !packets.isEmpty { sendRTCP(packets) }
    }

    mutating func advanceMedia(to now: Instant) {
        guard phase == .connected else { return }
        for index in incoming.indices { deliver(index, at: now) }
        guard let due = nextReportAt, now >= due else { return }
        nextReportAt = now + Self.reportInterval
        for index in outgoing.indices { sendReport(of: index, at: now) }
        guard !incoming.isEmpty else { return }
        let blocks = incoming.indices.compactMap { incoming[$0].reportBlock(at: now) }
        sendRTCP([.receiverReport(ReceiverReport(ssrc: reportSSRC, reportBlocks: blocks))])
    }

    // MARK: - RTCP

    mutating func receiveRTCP(_ datagram: UnsafeMutableRawBufferPointer, at now: Instant) {
        let length: Int
        do throws(SRTPError) {
            guard let unprotected = try receiver?.unprotectRTCP(datagram) else { return ignore() }
            length = unprotected
        } catch {
            return ignore()
        }
        let compound = UnsafeMutableRawBufferPointer(rebasing: datagram[..<length])
        let bytes = Span(_unsafeElements: UnsafeBufferPointer(compound.bindMemory(to: UInt8.self)))
        guard let packets = try? RTCPPacket.parseCompound(bytes) else { return ignore() }
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                for index in incoming.indices where incoming[index].ssrc == report.ssrc {
                    incoming[index].receive(report, at: now, localTime: ntp(at: now), offset: &clockOffset)
                }
                receive(report.reportBlocks, at: now)
            case .receiverReport(let report): receive(report.reportBlocks, at: now)
            case .genericNACK(let nack):
                guard let index = outgoing.firstIndex(where: { $0.ssrc == nack.mediaSSRC }) else { continue }
                for number in nack.lost {
                    if let packet = outgoing[index].retransmission(number) { sendRTP(packet) }
                }
            case .pictureLossIndication(_, let ssrc): requestKeyFrame(of: ssrc)
            case .fullIntraRequest(let request):
                for entry in request.entries {
                    let index = outgoing.firstIndex { $0.ssrc == entry.ssrc }
                    guard let index, outgoing[index].lastIntraRequest != entry.sequenceNumber else { continue }
                    outgoing[index].lastIntraRequest = entry.sequenceNumber
                    requestKeyFrame(of: entry.ssrc)
                }
            case .sourceDescription, .goodbye, .transportFeedback, .receiverEstimatedMaximumBitrate,
                .applicationDefined, .extendedReport, .unknown:
                break
            }
        }
    }

    private mutating func receive(_ blocks: [ReportBlock], at now: Instant) {
        for block in blocks {
            guard let index = outgoing.firstIndex(where: { $0.ssrc == block.ssrc }) else { continue }
            outgoing[index].receive(block, at: ntp(at: now))
        }
    }

    private mutating func requestKeyFrame(of ssrc: UInt32) {
        guard let index = outgoing.firstIndex(where: { $0.ssrc == ssrc }) else { return }
        outgoing[index].statistics.keyFrameRequests += 1
        emit(.event(.keyFrameRequested(track: outgoing[index].negotiated.trackIndex)))
    }
}
