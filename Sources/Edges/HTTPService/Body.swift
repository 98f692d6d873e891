import HTTPTypes
import Hummingbird
import NIOCore

/// The body of a request, which nobody has checked yet.
enum Body {
    /// Offers are 2 to 10 KB; nothing else is sent to the gateway.
    static let maximumSize = 64 << 10

    /// - Returns: All of it.
    /// - Throws: ``Problem`` when it is too long or breaks off.
    static func collect(_ request: Request) async throws(Problem) -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > maximumSize { throw .tooLarge }
        do {
            let buffer = try await request.body.collect(upTo: maximumSize)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw .tooLarge
        } catch let error as HTTPError where error.status == .contentTooLarge {
            throw .tooLarge
        } catch {
            throw .interrupted
        }
    }

    /// Whether the body is said to be of a media type, whatever its parameters.
    static func isOf(_ type: String, _ request: Request) -> Bool {
        let value = request.headers[.contentType] ?? ""
        let essence = value.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        return essence.lowercased() == type
    }
}
