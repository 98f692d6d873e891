import Glibc

/// A reading of the clock on the wall, in local time.
struct WallClock: Sendable {
    /// Microseconds since midnight.
    var timeOfDay: Int64

    static func now() -> WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var local = tm()
        localtime_r(&time.tv_sec, &local)
        let seconds = Int64(local.tm_hour) * 3_600 + Int64(local.tm_min) * 60 + Int64(local.tm_sec)
        return WallClock(timeOfDay: seconds * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}

/// Media time in microseconds on the monotonic clock.
struct DeadlineClock: Sendable {
    /// Nanoseconds of CLOCK_MONOTONIC at media time 0.
    private let origin: Int64

    /// Media time 0 lies `delay` microseconds ahead.
    init(startingIn delay: Int64) {
        origin = Self.monotonic() + delay * 1_000
    }

    var now: Int64 { (Self.monotonic() - origin) / 1_000 }

    /// Sleeps until `time`, an absolute deadline: lateness of one sleep does not add to the next.
    func sleep(until time: Int64) {
        let target = origin + time * 1_000
        var deadline = timespec(tv_sec: Int(target / 1_000_000_000), tv_nsec: Int(target % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nil) == EINTR {}
    }

    /// Microseconds of CLOCK_MONOTONIC.
    static func monotonicMicroseconds() -> Int64 { monotonic() / 1_000 }

    private static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
