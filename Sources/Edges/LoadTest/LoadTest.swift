package import NIOCore
import NIOPosix
import NIOSSL
package import TransportSecurity

/// How many viewers, how fast, and for how long.
package struct LoadOptions: Sendable {
    package var viewers: Int
    /// New viewers in a second.
    package var ramp: Double
    /// How long all of them watch.
    package var duration: TimeAmount
    /// Whose certificates to take.
    package var trust: ServerTrust

    package init(viewers: Int, ramp: Double, duration: TimeAmount, trust: ServerTrust = .system) {
        self.viewers = viewers
        self.ramp = ramp
        self.duration = duration
        self.trust = trust
    }
}

/// How far a run is.
package struct LoadProgress: Sendable {
    package var seconds: Double
    package var viewers: Int
    package var connections: Int
    package var figures: LoadFigures
}

/// Viewers of LL-HLS, many in one thread.
package enum LoadTest {
    /// A handle to end a run early.
    package struct Stop: Sendable {
        let action: @Sendable () -> Void

        package func callAsFunction() { action() }
    }

    /// Runs to the end.
    ///
    /// - Parameters:
    ///   - target: Whom to ask.
    ///   - options: How many, how fast, for how long.
    ///   - progress: Called fifty times a second, on the thread of the viewers.
    ///   - onStart: Given what ends the run.
    /// - Returns: What was seen.
    /// - Throws: ``ServerTrustError``, or when there can be no thread.
    package static func run(
        _ target: LoadTarget, _ options: LoadOptions, progress: @escaping @Sendable (LoadProgress) -> Void = { _ in },
        onStart: @Sendable (Stop) -> Void = { _ in }
    ) async throws -> LoadFigures {
        let security = target.isSecure ? try NIOSSLContext(configuration: options.trust.configuration()) : nil
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let promise = loop.makePromise(of: LoadFigures.self)
        let run = try await loop.submit {
            let run = LoadRun(
                target, options, security, on: loop.assumeIsolated(), progress: progress, promise: promise)
            run.begin()
            return NIOLoopBound(run, eventLoop: loop)
        }.get()
        onStart(Stop { loop.execute { run.value.end() } })
        let result = try await promise.futureResult.get()
        try await group.shutdownGracefully()
        return result
    }
}
