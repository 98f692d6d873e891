import DTLS
import TestSupport
import Testing

@Suite("A DTLS-SRTP handshake")
struct HandshakeTests {
    @Test func `both ends get the same keys, mirrored, after two round trips`() throws {
        let handshake = try Handshake()
        handshake.run()
        let client = try #require(handshake.clientKeys)
        let server = try #require(handshake.serverKeys)
        #expect(handshake.flights == 4)
        #expect(client.profile == .aeadAES128GCM)
        #expect(client.localKey == server.remoteKey)
        #expect(client.localSalt == server.remoteSalt)
        #expect(client.remoteKey == server.localKey)
        #expect(client.remoteSalt == server.localSalt)
        #expect(Set([client.localKey, client.remoteKey]).count == 2)
        #expect(client.localKey.count == 16 && client.localSalt.count == 12)
    }

    @Test func `a server has its keys before its last flight leaves`() throws {
        let handshake = try Handshake()
        handshake.giveToServer(handshake.takeFromClient())
        handshake.giveToClient(handshake.takeFromServer())
        handshake.giveToServer(handshake.takeFromClient())
        #expect(handshake.serverKeys != nil)
        #expect(!handshake.takeFromServer().isEmpty)
    }

    @Test func `no two handshakes give the same keys`() throws {
        var keys: Set<[UInt8]> = []
        for _ in 0..<4 {
            let handshake = try Handshake()
            handshake.run()
            keys.insert(try #require(handshake.clientKeys).localKey)
        }
        #expect(keys.count == 4)
    }

    @Test(
        arguments: [
            ([.aes128CMSHA1_80, .aeadAES128GCM], [.aeadAES128GCM, .aes128CMSHA1_80], .aeadAES128GCM),
            ([.aeadAES128GCM, .aes128CMSHA1_80], [.aes128CMSHA1_80, .aeadAES128GCM], .aes128CMSHA1_80),
            ([.aes128CMSHA1_80], [.aeadAES128GCM, .aes128CMSHA1_80], .aes128CMSHA1_80),
            ([.aeadAES128GCM], [.aeadAES128GCM, .aes128CMSHA1_80], .aeadAES128GCM),
        ] as [([DTLSSRTPProfile], [DTLSSRTPProfile], DTLSSRTPProfile)]
    )
    func `the server's first choice among what the client offers is taken`(
        offered: [DTLSSRTPProfile],
        preferred: [DTLSSRTPProfile],
        chosen: DTLSSRTPProfile
    ) throws {
        let handshake = try Handshake(
            client: DTLSContext(profiles: offered),
            server: DTLSContext(profiles: preferred)
        )
        handshake.run()
        #expect(handshake.clientKeys?.profile == chosen)
        #expect(handshake.serverKeys?.profile == chosen)
        #expect(handshake.serverKeys?.localSalt.count == chosen.saltLength)
    }

    @Test func `a client without use_srtp fails at both ends, once`() throws {
        let handshake = try Handshake(client: DTLSContext(profiles: []))
        handshake.run()
        #expect(handshake.serverEvents == [.failed(.noCommonSRTPProfile)])
        #expect(handshake.clientEvents.count == 1)
        #expect(handshake.clientKeys == nil)
    }

    @Test(arguments: [256, 300, 600, 1200])
    func `no datagram is larger than the MTU`(mtu: Int) throws {
        let handshake = try Handshake(mtu: mtu)
        handshake.run()
        #expect(handshake.clientKeys != nil && handshake.serverKeys != nil)
        #expect(handshake.largestDatagram <= mtu)
    }

    @Test func `keys do not appear in descriptions`() throws {
        let handshake = try Handshake()
        handshake.run()
        let keys = try #require(handshake.serverKeys)
        #expect("\(keys)" == "<SRTP keys, redacted>")
        #expect(String(reflecting: keys) == "<SRTP keys, redacted>")
        #expect(!"\(DTLSEvent.connected(keys))".contains("[\(keys.localKey[0])"))
        var dumped = ""
        dump(keys, to: &dumped)
        #expect(!dumped.contains("\(keys.localKey[0])"))
    }
}

@Suite("The peer's certificate")
struct FingerprintCheckTests {
    @Test func `one matching fingerprint among several is enough`() throws {
        let stranger = try DTLSContext().fingerprint
        let handshake = try Handshake(
            clientExpects: [stranger, DTLSContext.serverForTests.fingerprint],
            serverExpects: [DTLSContext.clientForTests.fingerprint, stranger]
        )
        handshake.run()
        #expect(handshake.clientKeys != nil && handshake.serverKeys != nil)
    }

    @Test func `a client with another certificate gets no keys and a server says why once`() throws {
        let handshake = try Handshake(serverExpects: [DTLSContext().fingerprint])
        handshake.run()
        #expect(handshake.serverEvents == [.failed(.fingerprintMismatch)])
        let failure = try #require(handshake.clientEvents.first?.failure)
        guard case .peerAlert = failure else {
            Issue.record("the client should have seen an alert, not \(failure)")
            return
        }
        #expect(handshake.clientEvents.count == 1)
    }

    @Test func `a server with another certificate gets no keys and a client says why once`() throws {
        let handshake = try Handshake(clientExpects: [DTLSContext().fingerprint])
        handshake.run()
        #expect(handshake.clientEvents == [.failed(.fingerprintMismatch)])
        #expect(handshake.serverEvents.count == 1)
        #expect(handshake.serverKeys == nil)
    }

    @Test func `without any expected fingerprint nobody is accepted`() throws {
        let handshake = try Handshake(serverExpects: [])
        handshake.run()
        #expect(handshake.serverEvents == [.failed(.fingerprintMismatch)])
    }

    @Test func `a fingerprint of another hash function does not match by its bytes`() throws {
        var fingerprint = DTLSContext.clientForTests.fingerprint
        fingerprint.algorithm = .sha1
        fingerprint.bytes = Array(fingerprint.bytes.prefix(20))
        let handshake = try Handshake(serverExpects: [fingerprint])
        handshake.run()
        #expect(handshake.serverEvents == [.failed(.fingerprintMismatch)])
    }
}
