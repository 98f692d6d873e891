import Primitives
import Transcoding

/// What became of the last key frames, in the sizes that were asked for: the newest of each, and what was asked for last.
struct SnapshotCache {
    /// A stream's picture in one size.
    struct Key: Hashable, Sendable {
        var stream: StreamName
        var box: PictureBox
    }

    typealias Outcome = Result<StreamSnapshot, TranscodingError>

    private struct Entry {
        var keyFrame: KeyFrame.ID
        var outcome: Outcome
        var lastUse: UInt64

        var bytes: Int { (try? outcome.get().jpeg.count) ?? 0 }
    }

    static let maximumCount = 128
    static let maximumBytes = 16 << 20

    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private(set) var bytes = 0

    var count: Int { entries.count }

    /// What was made of this key frame; `nil` when that is not known, or no longer.
    mutating func outcome(_ key: Key, of keyFrame: KeyFrame.ID) -> Outcome? {
        guard entries[key]?.keyFrame == keyFrame else { return nil }
        uses += 1
        entries[key]?.lastUse = uses
        return entries[key]?.outcome
    }

    /// Keeps what was made of a key frame in place of what was made of the one before, within the bounds.
    mutating func keep(_ outcome: Outcome, _ key: Key, of keyFrame: KeyFrame.ID) {
        remove(key)
        uses += 1
        let entry = Entry(keyFrame: keyFrame, outcome: outcome, lastUse: uses)
        guard entry.bytes <= Self.maximumBytes else { return }
        while entries.count >= Self.maximumCount || bytes + entry.bytes > Self.maximumBytes {
            guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key else { break }
            remove(oldest)
        }
        entries[key] = entry
        bytes += entry.bytes
    }

    private mutating func remove(_ key: Key) {
        bytes -= entries.removeValue(forKey: key)?.bytes ?? 0
    }
}
