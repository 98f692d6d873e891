#if DEBUG
    /// Stops a debug build that encrypts two different packets under one nonce.
    ///
    /// It remembers a hash of the last packets, header included. Release builds have none of this.
    struct NonceGuard {
        private struct Nonce: Hashable {
            var ssrc: UInt32
            var index: UInt64
        }

        private static let capacity = 4096

        private var seen: [Nonce: Int] = [:]
        private var order: [Nonce] = []
        private var oldest = 0

        mutating func check(
            header: UnsafeRawBufferPointer,
            payload: UnsafeRawBufferPointer,
            ssrc: UInt32,
            index: UInt64
        ) {
            var hasher = Hasher()
            hasher.combine(bytes: header)
            hasher.combine(bytes: payload)
            let digest = hasher.finalize()
            let nonce = Nonce(ssrc: ssrc, index: index)
            if let known = seen[nonce] {
                assert(known == digest, "two different packets under one SSRC and index would share a nonce")
                return
            }
            if order.count < Self.capacity {
                order.append(nonce)
            } else {
                seen[order[oldest]] = nil
                order[oldest] = nonce
                oldest = (oldest + 1) % Self.capacity
            }
            seen[nonce] = digest
        }
    }
#endif
