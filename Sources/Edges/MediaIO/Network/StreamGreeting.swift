import ICE
import Primitives
import STUN

/// What the first bytes of a TCP connection to the media port say of it.
///
/// A client of ours begins with a framed Binding request (RFC 6544 §7.1), whose USERNAME names a worker. Nothing
/// here is authenticated: the worker does that.
enum StreamGreeting: Equatable {
    /// It may be a client of ours; more has to come.
    case incomplete
    /// It begins with a Binding request for a session of this worker.
    case worker(Int)
    case refused

    /// Bytes to look at, at most: one frame.
    static let maximumLength = StreamDeframer.headerLength + StreamDeframer.maximumFrameLength

    /// Judges what has come so far.
    ///
    /// - Complexity: O(n); never allocates before the first frame is whole.
    init(_ bytes: Span<UInt8>, workers: Int) {
        self = .refused
        guard bytes.count >= 2 else {
            self = .incomplete
            return
        }
        let length = Int(bytes[0]) << 8 | Int(bytes[1])
        let end = StreamDeframer.headerLength + length
        guard length > 0, length <= StreamDeframer.maximumFrameLength else { return }
        // The first two bits of a STUN message are zero (RFC 8489 §5): HTTP and TLS need not be read to the end.
        if bytes.count > 2, bytes[2] & 0xC0 != 0 { return }
        guard bytes.count >= end else {
            self = .incomplete
            return
        }
        guard let username = STUNPeek.localUsernameFragment(of: bytes.extracting(2..<end)),
            let worker = SessionUsername.worker(of: username), worker < workers
        else { return }
        self = .worker(worker)
    }
}
