import Primitives
import Transcoding

/// Has each picture made once, however many ask for it, and keeps what was made.
actor SnapshotDesk {
    private struct Work: Hashable {
        var key: SnapshotCache.Key
        var keyFrame: KeyFrame.ID
    }

    private let maker: SnapshotMaker
    private var cache = SnapshotCache()
    private var work: [Work: Task<SnapshotCache.Outcome?, Never>] = [:]

    init(maker: SnapshotMaker = SnapshotMaker()) {
        self.maker = maker
    }

    /// The picture of a key frame as a JPEG file.
    ///
    /// - Throws: ``GatewayRefusal`` when the frame cannot be decoded, which is kept as well, or too many pictures are
    ///   being made.
    func snapshot(
        of keyFrame: KeyFrame, stream: StreamName, within box: PictureBox
    ) async throws(GatewayRefusal) -> StreamSnapshot {
        let key = SnapshotCache.Key(stream: stream, box: box)
        if let known = cache.outcome(key, of: keyFrame.id) { return try Self.answer(known) }
        let work = Work(key: key, keyFrame: keyFrame.id)
        let task = self.work[work] ?? begin(work, keyFrame)
        guard let outcome = await task.value else {
            throw GatewayRefusal(
                .snapshotsBusy, "Too many pictures are being made at the moment.", retryAfter: .seconds(1))
        }
        return try Self.answer(outcome)
    }

    private func begin(_ work: Work, _ keyFrame: KeyFrame) -> Task<SnapshotCache.Outcome?, Never> {
        let task = Task { [maker] in
            let result: Result<[UInt8], TranscodingError>? = await withCheckedContinuation { continuation in
                let isTaken = maker.make(
                    of: keyFrame.frame, keyFrame.configuration, within: work.key.box
                ) { continuation.resume(returning: $0) }
                if !isTaken { continuation.resume(returning: nil) }
            }
            let outcome = result?.map { StreamSnapshot(jpeg: $0, tag: Self.tag(work)) }
            self.work[work] = nil
            if let outcome { cache.keep(outcome, work.key, of: work.keyFrame) }
            return outcome
        }
        self.work[work] = task
        return task
    }

    private static func tag(_ work: Work) -> String {
        let (box, frame) = (work.key.box, work.keyFrame)
        return "\(frame.epoch)-\(frame.decodeTime)-\(box.width ?? 0)x\(box.height ?? 0)"
    }

    private static func answer(_ outcome: SnapshotCache.Outcome) throws(GatewayRefusal) -> StreamSnapshot {
        switch outcome {
        case .success(let snapshot): return snapshot
        case .failure(let error):
            throw GatewayRefusal(
                .undecodablePicture,
                "The last key frame cannot be decoded (\(error)). Try again after the next one.",
                retryAfter: .seconds(2))
        }
    }
}
