import Glibc

/// CPU time of this thread in nanoseconds: other work on the machine is not in it.
private func threadNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Measures a piece of work and prints a line; the best of several rounds is the least disturbed one.
func measure(_ name: String, rounds: Int = 7, count: Int, _ work: (Int) throws -> Void) rethrows {
    var best = Int64.max
    for _ in 0..<rounds {
        let begun = threadNanoseconds()
        for index in 0..<count {
            try work(index)
        }
        best = min(best, threadNanoseconds() - begun)
    }
    let nanoseconds = Double(best) / Double(count)
    let padded = name + String(repeating: " ", count: max(1, 56 - name.utf8.count))
    let perSecond = Int(1e9 / max(nanoseconds, 0.001))
    print("\(padded)\(Int(nanoseconds.rounded())) ns   \(perSecond / 1000) k/s on one core")
}

/// Keeps the optimiser from removing work whose result nobody reads.
@inline(never)
func keep<Value>(_ value: borrowing Value) {}
