package import Primitives

/// A fragment: `moof` and `mdat` (ISO/IEC 14496-12 §8.8.4), which is what CMAF calls a chunk.
package struct MediaFragment: Hashable, Sendable {
    /// Counts from 1 within a file.
    package var sequenceNumber: UInt32
    /// At most one for each track of the file.
    package var tracks: [TrackFragment]
    /// When the first sample was captured, by the wall clock, for players that measure delay; written as `prft`.
    package var captureTime: NTPTime?

    package init(sequenceNumber: UInt32, tracks: [TrackFragment], captureTime: NTPTime? = nil) {
        self.sequenceNumber = sequenceNumber
        self.tracks = tracks
        self.captureTime = captureTime
    }

    /// Bytes of the samples, without the boxes.
    package var payloadSize: Int {
        tracks.reduce(0) { $0 + $1.samples.reduce(0) { $0 + $1.payload.count } }
    }

    /// Appends the fragment; with `styp` before it when it begins a segment.
    ///
    /// - Parameters:
    ///   - writer: Receives whole boxes.
    ///   - beginsSegment: Whether it is the first of a media segment (§8.16.2).
    /// - Precondition: ``payloadSize`` is below 4 GiB.
    package func write(to writer: inout BoxWriter, beginsSegment: Bool = false) {
        if beginsSegment {
            writer.box("styp") { box in
                box.write(BoxType("msdh").rawValue)
                box.write(UInt32(0))
                for brand in ["msdh", "cmfs"] as [BoxType] { box.write(brand.rawValue) }
            }
        }
        if let captureTime, let track = tracks.first { writeCaptureTime(captureTime, of: track, to: &writer) }

        let start = writer.bytes.count
        var offsets: [Int] = []
        writer.box("moof") { moof in
            moof.fullBox("mfhd") { $0.write(sequenceNumber) }
            for track in tracks { offsets.append(Self.write(track, to: &moof)) }
        }
        // Data offsets count from the first byte of the moof.
        var position = writer.bytes.count - start + 8
        for (track, offset) in zip(tracks, offsets) {
            writer.overwrite(UInt32(truncatingIfNeeded: position), at: offset)
            position += track.samples.reduce(0) { $0 + $1.payload.count }
        }
        writer.box("mdat") { mdat in
            for track in tracks {
                for sample in track.samples { mdat.write(sample.payload) }
            }
        }
    }

    /// The fragment by itself.
    ///
    /// - Parameter beginsSegment: Whether it is the first of a media segment.
    /// - Returns: Whole boxes.
    package func bytes(beginsSegment: Bool = false) -> [UInt8] {
        let samples = tracks.reduce(0) { $0 + $1.samples.count }
        var writer = BoxWriter(capacity: payloadSize + samples * 16 + 256)
        write(to: &writer, beginsSegment: beginsSegment)
        return writer.bytes
    }

    /// ProducerReferenceTimeBox (§8.16.5): by the encoder's input, as close to that as we know.
    private func writeCaptureTime(_ time: NTPTime, of track: TrackFragment, to writer: inout BoxWriter) {
        writer.fullBox("prft", version: 1) { box in
            box.write(track.trackIdentifier)
            box.write(time.rawValue)
            box.write(track.decodeTime)
        }
    }

    /// Writes a `traf`, and returns where its data offset has to be filled in.
    private static func write(_ track: TrackFragment, to writer: inout BoxWriter) -> Int {
        let first = track.samples.first
        let durationIsSame = track.samples.allSatisfy { $0.duration == first?.duration }
        let flagsAreSame = track.samples.allSatisfy { $0.isKeyFrame == first?.isKeyFrame }
        let hasOffsets = track.samples.contains { $0.compositionOffset != 0 }
        var dataOffset = 0
        writer.box("traf") { traf in
            // default-base-is-moof; the defaults of duration and flags where all samples have the same.
            let defaults: UInt32 = 0x02_0000 | (durationIsSame ? 0x08 : 0) | (flagsAreSame ? 0x20 : 0)
            traf.fullBox("tfhd", flags: defaults) { box in
                box.write(track.trackIdentifier)
                if durationIsSame { box.write(first?.duration ?? 0) }
                if flagsAreSame { box.write(first?.flags ?? 0) }
            }
            traf.fullBox("tfdt", version: 1) { $0.write(track.decodeTime) }
            let fields: UInt32 =
                0x201 | (durationIsSame ? 0 : 0x100) | (flagsAreSame ? 0 : 0x400) | (hasOffsets ? 0x800 : 0)
            traf.fullBox("trun", version: 1, flags: fields) { box in
                box.write(UInt32(truncatingIfNeeded: track.samples.count))
                dataOffset = box.bytes.count
                box.write(UInt32(0))
                for sample in track.samples {
                    if !durationIsSame { box.write(sample.duration) }
                    box.write(UInt32(truncatingIfNeeded: sample.payload.count))
                    if !flagsAreSame { box.write(sample.flags) }
                    if hasOffsets { box.write(UInt32(bitPattern: sample.compositionOffset)) }
                }
            }
        }
        return dataOffset
    }
}
