internal import COpenSSL

/// What OpenSSL's callbacks reach of one endpoint: the datagrams it sends and the certificates it accepts.
///
/// A class because C holds a pointer to it. Its ``DTLSEndpoint`` owns it and outlives every callback.
final class DTLSTransport {
    /// How many datagrams wait to be sent at most.
    ///
    /// A flight is at most a dozen, even of 256 bytes. More means that nobody drains the queue; what does not fit is
    /// lost, as on any network, and sent again by the timer.
    static let maximumQueuedDatagrams = 64

    private let expected: [Fingerprint]
    private var outgoing: [[UInt8]] = []
    private var taken = 0
    /// The peer showed a certificate that nobody announced.
    private(set) var sawUnexpectedCertificate = false
    /// The last fatal alert that came in.
    var receivedAlert: UInt8?

    init(expected: [Fingerprint]) {
        self.expected = expected
    }

    /// The one that OpenSSL was given as `pointer`.
    static func from(_ pointer: UnsafeMutableRawPointer) -> DTLSTransport {
        Unmanaged<DTLSTransport>.fromOpaque(pointer).takeUnretainedValue()
    }

    func send(_ datagram: UnsafeBufferPointer<UInt8>) {
        guard outgoing.count - taken < Self.maximumQueuedDatagrams else { return }
        outgoing.append(Array(datagram))
    }

    func takeOutgoing() -> [UInt8]? {
        guard taken < outgoing.count else { return nil }
        defer {
            taken += 1
            if taken == outgoing.count {
                outgoing = []
                taken = 0
            }
        }
        return outgoing[taken]
    }

    func accepts(certificate: OpaquePointer) -> Bool {
        let isExpected = expected.contains { fingerprint in
            fingerprint.algorithm.isStrong
                && Fingerprint(fingerprint.algorithm, ofCertificate: certificate) == fingerprint
        }
        if !isExpected { sawUnexpectedCertificate = true }
        return isExpected
    }
}

/// The certificate check that OpenSSL calls in the middle of a handshake.
enum PeerVerification {
    /// Whether the leaf certificate under verification has a fingerprint that its endpoint expects.
    static func isExpected(certificateOf store: OpaquePointer?) -> Bool {
        guard let store, let certificate = X509_STORE_CTX_get0_cert(store),
            let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let transport = SSL_get_ex_data(OpaquePointer(ssl), 0)
        else { return false }
        guard DTLSTransport.from(transport).accepts(certificate: certificate) else {
            X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
            return false
        }
        return true
    }
}
