import Auth
import Gateway
import GatewayConfiguration
import Logging
import ServiceLifecycle
import Telemetry
import Webhooks

/// The parts that speak to the application.
struct WebhookParts: Sendable {
    let transport: HTTPWebhookTransport
    let sender: WebhookSender
    let decisions: WebhookDecisions
    let node: String

    /// What was decided and delivered, under the names of the metrics.
    func metricFamilies() async -> [MetricFamily] {
        var statistics = await sender.statistics
        statistics.decisions = decisions.verdicts
        return statistics.metricFamilies
    }
}

extension Composition {
    /// - Returns: `nil` where there is no application.
    /// - Throws: ``CommandFailure`` with the key that is missing.
    static func webhooks(_ settings: Settings.Webhooks, nodeName: String) throws(CommandFailure) -> WebhookParts? {
        guard let url = settings.url else { return nil }
        guard let secret = settings.secret else {
            throw CommandFailure(
                "webhooks.secret: not set, although webhooks.url is; use the output of: openssl rand -hex 32")
        }
        let transport = HTTPWebhookTransport(url: url)
        let signer = WebhookSigner(secret: secret)
        let asked: [Permission] = settings.decisions.compactMap { decision in
            switch decision {
            case .publish: .publish
            case .play: .play
            case .none: nil
            }
        }
        let configuration = WebhookConfiguration(
            decisions: Set(asked),
            allowsOnFailure: settings.onFailure == .allow, timeout: settings.timeout, node: nodeName)
        return WebhookParts(
            transport: transport,
            sender: WebhookSender(transport: transport, signer: signer, logger: Logger(label: "webhooks")),
            decisions: WebhookDecisions(configuration: configuration, transport: transport, signer: signer),
            node: nodeName)
    }

    static func asksAboutPlay(_ settings: Settings.Webhooks) -> Bool {
        settings.url != nil && settings.decisions.contains(.play)
    }
}

/// Tells the application what happens until the group ends.
struct WebhookRunner: Service, CustomStringConvertible {
    let parts: WebhookParts
    let gateway: Gateway

    var description: String { "webhooks" }

    func run() async throws {
        let follower = WebhookFollower(gateway: gateway, sender: parts.sender, node: parts.node)
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await parts.sender.run() }
                group.addTask { await follower.run() }
            }
        }
        await parts.transport.close()
    }
}
