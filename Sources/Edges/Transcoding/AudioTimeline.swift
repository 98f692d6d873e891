/// Keeps a run of 48 kHz samples on the media clock of the timestamps they came with.
///
/// Timestamps jitter (RTMP rounds them to milliseconds) and drift, while Opus packets must follow each other at exactly
/// 20 ms. So samples are counted from an anchor, small differences are stretched away slowly, and only a real gap sets
/// a new anchor.
struct AudioTimeline {
    /// What to do with samples that are about to be appended.
    enum Placement: Equatable {
        /// They follow what is there.
        case append
        /// So many samples per channel were lost before them: silence takes their place.
        case fill(samples: Int)
        /// There is a gap: finish what is there, then begin anew at their time.
        case restart
        /// They lie in time that has been filled already.
        case discard
    }

    /// Differences beyond this are gaps or overlaps (microseconds): more than timestamps of live encoders jitter, less
    /// than a viewer notices as bad lip sync.
    static let tolerance: Int64 = 80_000
    /// Differences up to this are left alone (microseconds).
    static let idleDifference = 8_000.0
    /// Samples over which one sample is added or left out: 0.2 %, which nobody hears.
    static let stretchDistance = 500

    private var anchor: Int64?
    private var samples: Int64 = 0
    /// The difference of the timestamps to ours, in microseconds, smoothed over some thirty frames.
    private var difference = 0.0
    private var stretching: Int64 = 0

    /// The time in microseconds of the sample that will be appended next; `nil` before the first.
    var end: Int64? {
        anchor.map { $0 + samples * 1_000_000 / Int64(OpusAudioEncoder.sampleRate) }
    }

    /// Decides where samples whose timestamp says `time` belong.
    ///
    /// `afterLoss` says that something before them is known to be missing. Then a small difference is a hole to be
    /// filled at once, while it is otherwise taken for jitter.
    mutating func place(at time: Int64, afterLoss: Bool = false) -> Placement {
        guard let end else { return .restart }
        let (error, overflow) = time.subtractingReportingOverflow(end)
        guard !overflow, error <= Self.tolerance else { return .restart }
        guard error >= -Self.tolerance else { return .discard }
        if afterLoss, Double(error) > Self.idleDifference {
            return .fill(samples: Int(error * Int64(OpusAudioEncoder.sampleRate) / 1_000_000))
        }
        difference += (Double(error) - difference) / 32
        return .append
    }

    /// Makes `time` the time of the next sample.
    mutating func restart(at time: Int64) {
        anchor = time
        samples = 0
        difference = 0
        stretching = 0
    }

    /// Takes note of `count` appended samples per channel.
    mutating func append(_ count: Int) {
        samples += Int64(count)
        stretching = max(0, stretching - Int64(count))
    }

    /// How many samples to add to (or, when negative, take from) the audio to come, spread over
    /// ``stretchDistance`` times as many; `nil` when all is well or a stretch is under way.
    mutating func correction() -> Int? {
        guard stretching == 0, abs(difference) > Self.idleDifference else { return nil }
        let count = Int(difference * Double(OpusAudioEncoder.sampleRate) / 1e6)
        stretching = Int64(abs(count) * Self.stretchDistance)
        // What the stretch will have repaired need not be seen again.
        difference = 0
        return count
    }
}
