/// Why an encoder or decoder cannot be used.
package enum TranscodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The installed libavcodec was built without this encoder or decoder.
    case codecUnavailable(name: String)
    /// The library refused to open the codec; `code` is its own error number.
    case openFailed(codec: String, code: Int32)
    /// The codec configuration, such as an AudioSpecificConfig, makes no sense.
    case invalidConfiguration(String)
    /// The library failed on one frame; the next one may work.
    case codingFailed(codec: String, code: Int32)
    /// The system has no thread left.
    case threadUnavailable

    package var description: String {
        switch self {
        case .codecUnavailable(let name):
            "libavcodec on this machine has no \(name); install a build that has it (Debian: libavcodec59)"
        case .openFailed(let codec, let code): "\(codec) cannot be opened (error \(code))"
        case .invalidConfiguration(let reason): "invalid codec configuration: \(reason)"
        case .codingFailed(let codec, let code): "\(codec) failed on a frame (error \(code))"
        case .threadUnavailable: "no thread could be started"
        }
    }
}
