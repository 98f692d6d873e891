internal import CMultiBuffer

/// A key for AES-128-GCM as Intel's multi-buffer library prepares it, erased and freed with its owner.
///
/// The library has code for wide vectors (VAES, VPCLMULQDQ) and does a packet in one call, without a context to set up: about
/// a fifth of what OpenSSL takes where the processor has both.
struct MultiBufferKey: ~Copyable {
    private let pointer: UnsafeMutableRawPointer

    /// Takes 16 bytes; throws ``SRTPError/cipher`` where the library is missing.
    init(_ key: [UInt8]) throws(SRTPError) {
        guard key.count == 16 else { throw .invalidKey }
        guard let pointer = martlet_mb_gcm_key_new(key) else { throw .cipher }
        self.pointer = pointer
    }

    deinit {
        martlet_mb_gcm_key_free(pointer)
    }

    @inline(__always)
    func seal(
        vector: UnsafePointer<UInt8>,
        associated: UnsafeRawPointer,
        associatedCount: Int,
        trailer: UInt32?,
        input: UnsafeRawPointer,
        output: UnsafeMutableRawPointer,
        count: Int,
        tag: UnsafeMutableRawPointer
    ) -> Bool {
        let tag = tag.assumingMemoryBound(to: UInt8.self)
        guard let trailer else {
            martlet_mb_gcm_seal(pointer, vector, associated, associatedCount, input, output, count, tag)
            return true
        }
        Self.join(associated, count: associatedCount, trailer: trailer) { joined in
            martlet_mb_gcm_seal(pointer, vector, joined, associatedCount + 4, input, output, count, tag)
        }
        return true
    }

    func open(
        vector: UnsafePointer<UInt8>,
        associated: UnsafeRawPointer,
        associatedCount: Int,
        trailer: UInt32?,
        data: UnsafeMutableRawPointer,
        count: Int,
        tag: UnsafeRawPointer
    ) -> Bool {
        let tag = tag.assumingMemoryBound(to: UInt8.self)
        guard let trailer else {
            return martlet_mb_gcm_open(pointer, vector, associated, associatedCount, data, count, tag) == 1
        }
        return Self.join(associated, count: associatedCount, trailer: trailer) { joined in
            martlet_mb_gcm_open(pointer, vector, joined, associatedCount + 4, data, count, tag) == 1
        }
    }

    /// The library wants all that is associated in one piece; only RTCP has two.
    private static func join<Result>(
        _ bytes: UnsafeRawPointer, count: Int, trailer: UInt32, _ body: (UnsafeRawPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: count + 4, alignment: 4) { joined in
            joined.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count))
            joined.storeBytes(of: trailer.bigEndian, toByteOffset: count, as: UInt32.self)
            return body(UnsafeRawPointer(joined.baseAddress!))
        }
    }
}
