import CFFmpeg

/// Why a media file cannot be read or written.
package enum FilmError: Error, Equatable, Sendable, CustomStringConvertible {
    /// libavformat refused; `reason` is its own word.
    case cannotOpen(path: String, reason: String)
    /// The file has neither a picture nor sound that we carry; `found` names what it has.
    case nothingToSend(path: String, found: [String])
    /// A track lacks what a decoder must know, or it makes no sense.
    case badConfiguration(codec: String)
    case readFailed(path: String, reason: String)
    case writeFailed(path: String, reason: String)
    /// The extension of the name tells no format that can hold the tracks.
    case unknownFormat(path: String)
    /// Nothing came that could have been written.
    case nothingToWrite(path: String)
    /// The system has no thread left.
    case threadUnavailable

    package var description: String {
        switch self {
        case .cannotOpen(let path, let reason): "\(path): cannot be opened: \(reason)"
        case .nothingToSend(let path, let found):
            "\(path): has no H.264, H.265, VP8, VP9, AV1, Opus or AAC"
                + (found.isEmpty ? "" : ", only \(found.joined(separator: ", "))")
        case .badConfiguration(let codec): "the \(codec) configuration in the file makes no sense"
        case .readFailed(let path, let reason): "\(path): cannot be read on: \(reason)"
        case .writeFailed(let path, let reason): "\(path): cannot be written: \(reason)"
        case .unknownFormat(let path): "\(path): no such format; let the name end in .mkv, .mp4, .webm or .ts"
        case .nothingToWrite(let path): "\(path): nothing came that could be written"
        case .threadUnavailable: "no thread could be started"
        }
    }

    /// What libavformat calls an error of its own or of the system.
    static func reason(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: 128)
        guard av_strerror(code, &text, text.count) >= 0 else { return "error \(code)" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
