import Testing

/// Who may import whom, as ARCHITECTURE.md says it.
///
/// The build checks that every import is declared in the manifest; this checks that the manifest and the
/// sources do not drift away from the design together.
private let arrows: [String: Set<String>] = [
    "Primitives": [],
    "STUN": ["Primitives", "COpenSSL"],
    "RTP": ["Primitives"],
    "SDP": ["Primitives"],
    "Media": ["Primitives", "RTP"],
    "M3U8": [],
    "ISOBMFF": ["Primitives", "Media"],
    "ICE": ["Primitives", "STUN"],
    "DTLS": ["Primitives", "COpenSSL"],
    "SRTP": ["Primitives", "CMultiBuffer", "CSRTP", "COpenSSL"],
    "CongestionControl": ["Primitives", "RTP"],
    "WebRTC": ["Primitives", "ICE", "DTLS", "SRTP", "SDP", "RTP", "Media"],
    "SFU": ["Primitives", "RTP", "Media"],
    "HLS": ["Primitives", "Media", "ISOBMFF"],
    // The digests of the handshake.
    "RTMP": ["Primitives", "Media", "COpenSSL"],
    "Rooms": ["Primitives"],
    "Nodes": ["Primitives"],
    "Signaling": ["Primitives", "Rooms"],
    "MediaIO": [
        "Primitives", "STUN", "RTP", "SDP", "Media", "ICE", "DTLS", "SRTP", "WebRTC", "SFU",
        "CongestionControl", "CLinux",
    ],
    "Transcoding": ["Primitives", "Media", "COpus", "CFFmpeg"],
    "MediaClient": [
        "Primitives", "RTP", "Media", "ICE", "DTLS", "SRTP", "WebRTC", "SFU", "MediaIO", "Transcoding", "CLinux",
        "CFFmpeg",
    ],
    "GatewayConfiguration": ["Primitives"],
    "Telemetry": ["Primitives"],
    "Auth": ["Primitives"],
    "TransportSecurity": ["Primitives"],
    "Gateway": [
        "Primitives", "RTP", "Media", "ICE", "DTLS", "WebRTC", "SFU", "Nodes", "MediaIO", "Transcoding", "Telemetry",
    ],
    "Recording": ["Primitives", "Media", "ISOBMFF", "MediaIO", "Gateway", "Telemetry"],
    "Webhooks": ["Primitives", "Gateway", "Recording", "Auth", "Telemetry"],
    "RTMPService": ["Primitives", "RTMP", "Media", "Gateway", "Auth", "Telemetry", "TransportSecurity"],
    "HLSService": ["Primitives", "Media", "HLS", "Gateway", "Transcoding", "Auth", "Telemetry", "CZlib"],
    "Redis": ["Primitives", "MediaIO", "CHiredis", "CLinux"],
    "NodeService": ["Primitives", "Nodes", "Redis", "Gateway", "Auth", "Telemetry"],
    "RoomService": ["Primitives", "Rooms", "Signaling", "Gateway", "Auth"],
    "HTTPService": [
        "Primitives", "HLS", "HLSService", "Gateway", "Recording", "Rooms", "Nodes", "Signaling", "RoomService",
        "Webhooks", "Auth", "Telemetry", "TransportSecurity", "WebPages",
    ],
    "LoadTest": ["M3U8", "TransportSecurity"],
    "Conformance": [
        "Primitives", "SDP", "M3U8", "Media", "ICE", "DTLS", "MediaClient", "Telemetry", "TransportSecurity",
    ],
]

/// Modules that depend on no package, so that they build in seconds, under sanitizers and fuzzers too.
private let mediaCore: Set<String> = [
    "Primitives", "STUN", "RTP", "SDP", "Media", "M3U8", "ISOBMFF", "ICE", "DTLS", "SRTP", "CongestionControl",
    "WebRTC", "SFU", "HLS", "RTMP", "Rooms", "Nodes", "Signaling", "MediaIO", "Transcoding", "MediaClient",
]

private let ours = Set(arrows.keys).union([
    "WebPages", "SignalingSDK", "CHiredis",
    "CMultiBuffer", "COpenSSL", "CSRTP", "COpus", "CZlib", "CFFmpeg", "CLinux", "CWebVendor",
])

/// What comes with the toolchain and that the media core may use.
private let standardLibrary: Set<String> = ["Swift", "Synchronization", "Glibc", "Dispatch"]

@Suite("Import arrows")
struct ImportArrowTests {
    @Test func `the source tree is where the test looks for it`() {
        #expect(SourceTree.files.count > 20)
        #expect(SourceTree.files.contains { $0.module == "RTP" })
    }

    @Test func `a module imports only the modules that its place in the rings allows`() {
        for file in SourceTree.files {
            guard let allowed = arrows[file.module] else { continue }
            for (name, line) in file.imports where ours.contains(name) {
                #expect(allowed.contains(name), "\(file.path):\(line) imports \(name)")
            }
        }
    }

    @Test func `every module below Sources has its arrows written down`() {
        let known = ours.union(["martlet"])
        let unknown = Set(SourceTree.files.map(\.module)).subtracting(known)
        #expect(unknown.isEmpty, "no arrows for \(unknown.sorted())")
    }

    @Test func `the media core imports neither a package nor Foundation`() {
        for file in SourceTree.files where mediaCore.contains(file.module) {
            for (name, line) in file.imports {
                #expect(ours.contains(name) || standardLibrary.contains(name), "\(file.path):\(line) imports \(name)")
            }
        }
    }

    @Test func `the arrows have no cycle`() {
        var settled: Set<String> = []
        var remaining = arrows
        while let next = remaining.first(where: { $0.value.allSatisfy { settled.contains($0) || arrows[$0] == nil } }) {
            settled.insert(next.key)
            remaining[next.key] = nil
        }
        #expect(remaining.isEmpty, "in a cycle: \(remaining.keys.sorted())")
    }
}
