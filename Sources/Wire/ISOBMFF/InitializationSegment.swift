import Media

/// The part of a fragmented file that comes before all media: `ftyp` and `moov` (ISO/IEC 14496-12, CMAF §7.3.1).
package enum InitializationSegment {
    /// Writes the segment of a file with these tracks.
    ///
    /// - Parameter tracks: One for a CMAF track file, as HLS takes it; two for a recording.
    /// - Returns: The bytes; the same for the same tracks.
    package static func bytes(of tracks: [MovieTrack]) -> [UInt8] {
        var writer = BoxWriter()
        writer.box("ftyp") { box in
            box.write(BoxType("iso6").rawValue)
            box.write(UInt32(0))
            // CMAF tracks stand alone (ISO/IEC 23000-19 §7.2).
            let brands: [BoxType] = tracks.count == 1 ? ["iso6", "mp41", "cmfc"] : ["iso6", "mp41"]
            for brand in brands { box.write(brand.rawValue) }
        }
        writer.box("moov") { movie in
            movie.fullBox("mvhd") { box in
                box.writeZeros(8)
                box.write(UInt32(1_000))
                box.write(UInt32(0))  // duration: in the fragments
                box.write(UInt32(0x1_0000))  // rate
                box.write(UInt16(0x100))  // volume
                box.writeZeros(10)
                box.writeUnityMatrix()
                box.writeZeros(24)
                box.write((tracks.map(\.identifier).max() ?? 0) &+ 1)
            }
            for track in tracks { writeTrack(track, to: &movie) }
            movie.box("mvex") { extends in
                for track in tracks {
                    extends.fullBox("trex") { box in
                        box.write(track.identifier)
                        box.write(UInt32(1))  // the only sample entry
                        box.writeZeros(12)
                    }
                }
            }
        }
        return writer.bytes
    }

    private static func writeTrack(_ track: MovieTrack, to writer: inout BoxWriter) {
        let isVideo = track.kind == .video
        writer.box("trak") { trak in
            trak.fullBox("tkhd", flags: 7) { box in  // enabled, in movie, in preview
                box.writeZeros(8)
                box.write(track.identifier)
                box.writeZeros(8)
                box.writeZeros(12)
                box.write(UInt16(isVideo ? 0 : 0x100))  // volume
                box.write(UInt16(0))
                box.writeUnityMatrix()
                box.write(UInt32(truncatingIfNeeded: track.width << 16))
                box.write(UInt32(truncatingIfNeeded: track.height << 16))
            }
            trak.box("mdia") { media in
                media.fullBox("mdhd") { box in
                    box.writeZeros(8)
                    box.write(track.timescale)
                    box.write(UInt32(0))
                    box.write(UInt16(0x55C4))  // language: undetermined
                    box.write(UInt16(0))
                }
                media.fullBox("hdlr") { box in
                    box.write(UInt32(0))
                    box.write(BoxType(stringLiteral: isVideo ? "vide" : "soun").rawValue)
                    box.writeZeros(12)
                    box.write(Array((isVideo ? "Video" : "Audio").utf8) + [0])
                }
                media.box("minf") { writeMediaInformation(track, to: &$0) }
            }
        }
    }

    private static func writeMediaInformation(_ track: MovieTrack, to writer: inout BoxWriter) {
        if track.kind == .video {
            writer.fullBox("vmhd", flags: 1) { $0.writeZeros(8) }
        } else {
            writer.fullBox("smhd") { $0.writeZeros(4) }
        }
        writer.box("dinf") { information in
            information.fullBox("dref") { box in
                box.write(UInt32(1))
                box.fullBox("url ", flags: 1) { _ in }  // the media is in this file
            }
        }
        writer.box("stbl") { table in
            table.fullBox("stsd") { box in
                box.write(UInt32(1))
                box.write(track.sampleEntry)
            }
            // The tables are empty: all samples are in fragments.
            table.fullBox("stts") { $0.write(UInt32(0)) }
            table.fullBox("stsc") { $0.write(UInt32(0)) }
            table.fullBox("stsz") { $0.write(UInt64(0)) }
            table.fullBox("stco") { $0.write(UInt32(0)) }
        }
    }
}

extension BoxWriter {
    fileprivate mutating func writeUnityMatrix() {
        for value: UInt32 in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] { write(value) }
    }
}
