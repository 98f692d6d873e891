package import Gateway
import Telemetry

/// Follows the gateway's streams, and tells the application.
package struct WebhookFollower: Sendable {
    private let gateway: Gateway
    private let sender: WebhookSender
    private let node: String

    /// News that may wait to be told; far more than a gateway has streams.
    private static let capacity = 8_192

    package init(gateway: Gateway, sender: WebhookSender, node: String) {
        self.gateway = gateway
        self.sender = sender
        self.node = node
    }

    /// Runs until cancelled.
    package func run() async {
        let (news, report) = AsyncStream.makeStream(
            of: StreamNews.self, bufferingPolicy: .bufferingOldest(Self.capacity))
        await gateway.observeStreams { report.yield($0) }
        var ledger = StreamLedger(node: node)
        for await item in news {
            var source: String?
            if case .published(let name) = item { source = await gateway.source(of: name) }
            if let event = ledger.event(for: item, source: source, at: .now) { sender.send(event) }
        }
    }
}
