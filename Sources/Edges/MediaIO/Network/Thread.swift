import CLinux
import Glibc

/// A plain named thread that is joined or left to itself.
package final class Thread: @unchecked Sendable {
    // The handle is written once, in start(), before anybody else can see the thread.
    private var handle = pthread_t()

    private final class Box {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that runs `body` once, named so in `top -H` (15 characters at most).
    package init(name: String, body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(name: name, body: body))
        let result = pthread_create(
            &handle,
            nil,
            { argument in
                guard let argument else { return nil }
                let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
                martlet_name_thread(box.name)
                box.body()
                return nil
            },
            box.toOpaque()
        )
        precondition(result == 0, "the process may start one thread for each core and a few more")
    }

    /// Leaves the thread to itself: nobody joins it.
    package func detach() {
        pthread_detach(handle)
    }

    /// Waits for the thread's end.
    package func join() {
        pthread_join(handle, nil)
    }
}
