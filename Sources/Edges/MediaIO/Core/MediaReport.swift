package import SFU

/// A worker's figures at one moment.
package struct MediaReport: Sendable {
    /// One track as its worker sees it.
    package struct Track: Sendable {
        package var id: TrackID
        /// Whether this worker is where the track is published.
        package var isOwner: Bool
        package var bitsPerSecond: Double
        package var packetsReceived: Int
        package var packetsLost: Int
        package var viewers: Int
        /// Viewers whose paths cannot carry the track at present.
        package var pausedViewers: Int
        /// Seconds between the last two key frames; `nil` before the second.
        package var keyFrameInterval: Double?
        /// Seconds since the last key frame of the current source.
        package var keyFrameAge: Double?
        package var bufferedBytes: Int
        /// Seconds since the last packet arrived; `nil` before the first.
        package var silence: Double?
        /// Whether its clock is that of the publisher, by sender reports or because frames carry their own time.
        package var hasPublisherClock: Bool
        /// How often the publisher's timestamps could not follow from those before.
        package var clockJumps: Int
        /// Payload bytes that have come, and complete frames of a picture or packets of sound.
        package var bytesReceived = 0
        package var framesReceived = 0
        /// Frames of a picture of at most ``stillFrameSize`` bytes: what encoders write for one that has not changed.
        package var stillFrames = 0
        /// RFC 3550's interarrival jitter in seconds, the worst of the track's sources; `nil` for frames.
        package var jitter: Double?
        /// Seconds from when the publisher's clock says the newest frame was taken to its arrival, but for the least that any
        /// of its packets took; `nil` while there is no such clock.
        package var lateness: Double?

        package static let stillFrameSize = 160
        /// Bits per second of each step of ``StreamLayers/steps``; empty for a stream without layers.
        package var stepBitrates: [Double] = []
        /// How many of this worker's viewers are sent which part of it; empty for a stream without layers.
        package var stepViewers: [LayerLimit: Int] = [:]
    }

    package var tracks: [Track] = []
    package var publishers = 0
    package var viewers = 0
    package var counters = MediaCounters()

    package init() {}
}

/// Totals since the start of the process; plain integers of one thread.
package struct MediaCounters: Sendable {
    package var packetsReceived = 0
    package var bytesReceived = 0
    package var packetsSent = 0
    package var bytesSent = 0
    package var packetsLostInbound = 0
    package var packetsLostOutbound = 0
    /// Packets of publishers that came by retransmission on an SSRC of its own.
    package var packetsRepaired = 0
    package var nacksReceived = 0
    package var nacksSent = 0
    package var retransmissions = 0
    /// Times that a viewer fell so far behind that it was taken to the next key frame.
    package var keyFrameSkips = 0
    /// Times that a viewer went over to another simulcast layer.
    package var layerSwitches = 0
    package var keyFrameRequestsReceived = 0
    package var keyFrameRequestsSent = 0
    /// Datagrams from addresses that belong to no session, or that no session accepts.
    package var datagramsIgnored = 0
    /// Datagrams of a session that failed to decrypt, were replayed or were malformed.
    package var datagramsRefused = 0
    /// Datagrams that a full socket and a full overflow queue lost.
    package var datagramsDropped = 0
    /// From a packet's arrival to its leaving for all viewers, by packets sent.
    package var forwardDelay = DurationHistogram()
    package var joins = JoinDurations()

    package init() {}

    /// Adds another worker's totals.
    package mutating func add(_ other: MediaCounters) {
        packetsReceived += other.packetsReceived
        bytesReceived += other.bytesReceived
        packetsSent += other.packetsSent
        bytesSent += other.bytesSent
        packetsLostInbound += other.packetsLostInbound
        packetsLostOutbound += other.packetsLostOutbound
        packetsRepaired += other.packetsRepaired
        nacksReceived += other.nacksReceived
        nacksSent += other.nacksSent
        retransmissions += other.retransmissions
        keyFrameSkips += other.keyFrameSkips
        layerSwitches += other.layerSwitches
        keyFrameRequestsReceived += other.keyFrameRequestsReceived
        keyFrameRequestsSent += other.keyFrameRequestsSent
        datagramsIgnored += other.datagramsIgnored
        datagramsRefused += other.datagramsRefused
        datagramsDropped += other.datagramsDropped
        forwardDelay.add(other.forwardDelay)
        joins.add(other.joins)
    }
}
