import NIOCore
import Primitives

extension Primitives.Instant {
    /// Now, on the monotonic clock that event loops schedule by.
    static var uptime: Primitives.Instant {
        Primitives.Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds))
    }
}
