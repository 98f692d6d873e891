import TestSupport
import Testing

@testable import Gateway

@Suite("Events on their way to a viewer")
struct EventQueueTests {
    private let queue = EventQueue(Set(ViewerEvent.Kind.allCases))

    /// What is there without waiting.
    private func drain(_ queue: EventQueue, _ reader: Int) async -> [EventQueue.Item] {
        queue.close()
        var items: [EventQueue.Item] = []
        while let item = await queue.next(reader) { items.append(item) }
        return items
    }

    @Test func `a slow reader finds the present, not the past`() async {
        let reader = queue.attach()
        queue.post(.active)
        queue.post(.viewerCount(1))
        queue.post(.inactive)
        queue.post(.viewerCount(2))
        queue.post(.active)
        #expect(await drain(queue, reader) == [.event(.viewerCount(2)), .event(.active)])
    }

    @Test func `whatever happens, no more than a few events wait`() {
        var generator = SeededGenerator(seed: 11)
        var most = 0
        for number in 0..<10_000 {
            let layers = [0: [ViewerEvent.Layer(name: "h", bitrate: number)]]
            let events: [ViewerEvent] = [
                .active, .inactive, .layers(layers), .viewerCount(number), .reconnect(url: "\(number)"),
            ]
            queue.post(events.randomElement(using: &generator) ?? .active)
            queue.beat()
            most = max(most, queue.count)
        }
        #expect(most == EventQueue.maximumPending)
    }

    @Test func `only what was asked for is told, and nothing that has become wrong`() async {
        let queue = EventQueue([.inactive, .viewercount])
        let reader = queue.attach()
        queue.post(.inactive)
        queue.post(.active)
        queue.post(.layers([:]))
        queue.post(.viewerCount(3))
        #expect(await drain(queue, reader) == [.event(.viewerCount(3))])
    }

    @Test func `a reader that waits is woken by an event, a heartbeat and the end`() async {
        let reader = queue.attach()
        async let items = [queue.next(reader), queue.next(reader), queue.next(reader)]
        queue.post(.viewerCount(1))
        await Task.yield()
        queue.beat()
        await Task.yield()
        queue.close()
        let got = await items
        // The heartbeat may have come together with the event, which is as good.
        #expect(got.first == .event(.viewerCount(1)) && got.last == .some(nil))
    }

    @Test func `a second reader ends the first`() async {
        let first = queue.attach()
        async let item = queue.next(first)
        await Task.yield()
        let second = queue.attach()
        #expect(await item == nil)
        queue.post(.active)
        #expect(await queue.next(first) == nil)
        #expect(await queue.next(second) == .event(.active))
    }

    @Test func `a cancelled reader waits no longer`() async {
        let reader = queue.attach()
        let task = Task { await queue.next(reader) }
        await Task.yield()
        task.cancel()
        #expect(await task.value == nil)
    }

    @Test func `a closed queue tells what was pending, unless that is to be forgotten`() async {
        let reader = queue.attach()
        queue.post(.reconnect(url: nil))
        queue.close()
        queue.post(.active)
        #expect(await queue.next(reader) == .event(.reconnect(url: nil)))
        #expect(await queue.next(reader) == nil)
        let other = EventQueue([.active])
        let another = other.attach()
        other.post(.active)
        other.close(forgetting: true)
        #expect(await other.next(another) == nil)
    }
}
