import Conformance
import Foundation
import HTTPTypes
import Testing

/// One thing that an origin does wrong, and the rows that have to say so.
struct PlaylistFlaw: Sendable, CustomTestStringConvertible {
    var name: String
    var fails: Set<PlaylistRow>
    /// Whether it answers blocking reloads at once.
    var isImpatient = false
    /// Whether a part that is not there yet is 404.
    var isHasty = false
    /// The name of the first playlist.
    var address = "index.m3u8"
    /// When nothing new comes any more.
    var stopsAt: Double?
    var before: @Sendable (inout ProbeRequest) -> Void = { _ in }
    var after: @Sendable (ProbeRequest, inout ProbeResponse) -> Void = { _, _ in }
    /// What it does to the lines of a media playlist, with the time and whether they are a delta update.
    var lines: @Sendable ([String], Double, Bool) -> [String] = { lines, _, _ in lines }

    var testDescription: String { name }

    init(_ name: String, fails: Set<PlaylistRow>) {
        self.name = name
        self.fails = fails
    }

    /// An origin whose media playlists are wrong.
    static func lines(
        _ name: String, fails: Set<PlaylistRow>, _ change: @escaping @Sendable ([String], Double, Bool) -> [String]
    ) -> PlaylistFlaw {
        var flaw = PlaylistFlaw(name, fails: fails)
        flaw.lines = change
        return flaw
    }

    /// An origin that writes something else.
    static func text(_ name: String, fails: Set<PlaylistRow>, _ text: String, _ other: String) -> PlaylistFlaw {
        lines(name, fails: fails) { lines, _, _ in lines.map { $0.replacing(text, with: other) } }
    }

    /// An origin that answers as it should, and then something else.
    static func after(
        _ name: String, fails: Set<PlaylistRow>,
        _ change: @escaping @Sendable (ProbeRequest, inout ProbeResponse) -> Void
    ) -> PlaylistFlaw {
        var flaw = PlaylistFlaw(name, fails: fails)
        flaw.after = change
        return flaw
    }

    /// An origin whose multivariant playlist is wrong.
    static func variants(_ name: String, fails: Set<PlaylistRow>, _ text: String, _ other: String) -> PlaylistFlaw {
        after(name, fails: fails) { request, response in
            guard request.isMultivariant else { return }
            response.body = Array(String(decoding: response.body, as: UTF8.self).replacing(text, with: other).utf8)
        }
    }
}

extension ProbeRequest {
    /// The name of what is asked for; playlists may go by another ending.
    var name: String { url.lastPathComponent.replacing(".txt", with: ".m3u8") }
    var isMultivariant: Bool { name == "index.m3u8" }
    var isMediaPlaylist: Bool { name.hasSuffix(".m3u8") && !isMultivariant }
    var isPart: Bool { name.hasSuffix(".m4s") && name.split(separator: ".").count == 3 }
    var isWholeSegment: Bool { name.hasSuffix(".m4s") && name.split(separator: ".").count == 2 }
}
