import ArgumentParser

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the gateway.",
        discussion: """
            Without a file the defaults run, with nothing else installed:

              TCP 8080  pages, WHIP, WHEP, API, metrics
              TCP 1935  RTMP
              UDP 8100  media (and TCP 8100 as its lock)

            Programs on this machine publish without a credential, others with
            a token: see `martlet token create`.

            The first SIGTERM or SIGINT lets sessions end (shutdown.grace), and
            a second one ends at once.
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await GatewayProcess(loaded: options.load()).run()
    }
}

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the gateway with a test pattern as stream `demo`, and print the page to open.",
        discussion: """
            The pattern is made in this process: a moving picture, a clock, and
            a beep each second. Everything else is as with `martlet serve`.
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await GatewayProcess(loaded: options.load(), publishesDemo: true).run()
    }
}
