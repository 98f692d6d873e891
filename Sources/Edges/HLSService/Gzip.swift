import CZlib
import NIOCore

/// Compression of playlists, which are text that repeats itself.
enum Gzip {
    /// - Returns: The bytes as gzip; `nil` when that makes them no smaller.
    static func compress(_ text: String) -> ByteBuffer? {
        var text = text
        let compressed: [UInt8] = text.withUTF8 { input in
            [UInt8](unsafeUninitializedCapacity: input.count) { output, count in
                count = martlet_gzip(input.baseAddress, input.count, output.baseAddress, output.count)
            }
        }
        return compressed.isEmpty ? nil : ByteBuffer(bytes: compressed)
    }
}
