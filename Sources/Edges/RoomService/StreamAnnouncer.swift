package import Gateway
import Primitives
package import Rooms
import ServiceLifecycle

/// Shows the gateway's streams in the rooms of their names.
package struct StreamAnnouncer: Service, CustomStringConvertible {
    private let gateway: Gateway
    private let store: any RoomStore

    package var description: String { "streams in rooms" }

    package init(gateway: Gateway, store: any RoomStore) {
        self.gateway = gateway
        self.store = store
    }

    package func run() async throws {
        // Something has changed; what, is looked up, so that nothing is lost however much changes at once.
        let (changes, report) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await gateway.observeStreams { _ in report.yield() }
        await cancelWhenGracefulShutdown {
            for await _ in changes { await reconcile() }
        }
    }

    private func reconcile() async {
        await Self.reconcile(await gateway.streams(), in: store)
    }

    /// Makes the rooms show these streams and no others.
    package static func reconcile(_ streams: [StreamStatus], in store: any RoomStore) async {
        var gone = await store.announcedStreams()
        for stream in streams {
            guard let name = StreamName(stream.name) else { continue }
            if stream.state == "live" {
                await store.announce(name, source: stream.source)
                gone.remove(name)
            } else if gone.remove(name) != nil {
                await store.setStreamPresence(.away, of: name)
            }
        }
        for name in gone { await store.withdraw(name) }
    }
}
