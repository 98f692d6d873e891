// swift-tools-version: 6.2
import PackageDescription

// The media core (everything down to `MediaIO` and `Transcoding`) depends on no package. With
// MARTLET_MEDIA_CORE=1 the manifest holds only that core, so that sanitizer, fuzz and benchmark
// builds take seconds and resolve nothing.
let mediaCoreOnly = Context.environment["MARTLET_MEDIA_CORE"] == "1"
// `make` sets this: a warning stops our own builds, never those of a user with a newer compiler.
let warningsAreErrors = Context.environment["MARTLET_WARNINGS_AS_ERRORS"] == "1"

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        // `ByteReader` stores a `Span`, which needs lifetime annotations (SE-0446 and its successors).
        .enableExperimentalFeature("Lifetimes"),
    ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

/// Parsers of untrusted bytes: any unsafe construct must be spelled out.
let memorySafe = settings + [.strictMemorySafety()]

func module(
    _ name: String, in ring: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = settings
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(ring)/\(name)", swiftSettings: settings)
}

func system(_ name: String, libraries: [String]) -> Target {
    .target(
        name: name, path: "Sources/System/\(name)", publicHeadersPath: "include",
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: settings)
}

// MARK: - The media core

let mediaCore: [Target] = [
    system("CLinux", libraries: []),
    system("COpenSSL", libraries: ["ssl", "crypto"]),
    system("CSRTP", libraries: ["srtp2"]),
    system("CMultiBuffer", libraries: ["dl"]),
    system("COpus", libraries: ["opus"]),
    system("CZlib", libraries: ["z"]),
    system("CFFmpeg", libraries: ["avformat", "avcodec", "avutil", "swresample", "swscale"]),

    module("Primitives", in: "Foundations"),

    module("STUN", in: "Wire", ["Primitives", "COpenSSL"]),
    module("RTP", in: "Wire", ["Primitives"], settings: memorySafe),
    module("SDP", in: "Wire", ["Primitives"], settings: memorySafe),
    module("Media", in: "Wire", ["Primitives", "RTP"], settings: memorySafe),
    module("M3U8", in: "Wire", [], settings: memorySafe),
    module("ISOBMFF", in: "Wire", ["Primitives", "Media"], settings: memorySafe),

    module("ICE", in: "Engines", ["Primitives", "STUN"]),
    module("DTLS", in: "Engines", ["Primitives", "COpenSSL"]),
    module("SRTP", in: "Engines", ["Primitives", "CSRTP", "CMultiBuffer", "COpenSSL"]),
    module("CongestionControl", in: "Engines", ["Primitives", "RTP"], settings: memorySafe),
    module("WebRTC", in: "Engines", ["Primitives", "ICE", "DTLS", "SRTP", "SDP", "RTP", "Media"]),
    module("SFU", in: "Engines", ["Primitives", "RTP", "Media"]),
    module("HLS", in: "Engines", ["Primitives", "Media", "ISOBMFF"], settings: memorySafe),
    module("RTMP", in: "Engines", ["Primitives", "Media", "COpenSSL"], settings: memorySafe),
    module("Rooms", in: "Engines", ["Primitives"], settings: memorySafe),
    module("Nodes", in: "Engines", ["Primitives"], settings: memorySafe),
    // Beside the documents that describe what it reads and writes.
    .target(
        name: "Signaling", dependencies: ["Primitives", "Rooms"], path: "signaling/Sources/Signaling",
        swiftSettings: memorySafe),

    module(
        "MediaIO", in: "Edges",
        [
            "Primitives", "STUN", "RTP", "SDP", "Media", "ICE", "DTLS", "SRTP", "WebRTC", "SFU", "CongestionControl",
            "CLinux",
        ]),
    module("Transcoding", in: "Edges", ["Primitives", "Media", "COpus", "CFFmpeg"]),
    module(
        "MediaClient", in: "Edges",
        [
            "Primitives", "RTP", "Media", "ICE", "DTLS", "SRTP", "WebRTC", "SFU", "MediaIO", "Transcoding", "CLinux",
            "CFFmpeg",
        ]),
]

let mediaCoreTests: [Target] = [
    .target(
        name: "TestSupport", dependencies: ["Primitives"], path: "Tests/Support", swiftSettings: settings),
    tests("PrimitivesTests", ["Primitives", "TestSupport"]),
    tests("STUNTests", ["STUN", "Primitives", "TestSupport"]),
    tests("RTPTests", ["RTP", "Primitives", "TestSupport"]),
    tests("SDPTests", ["SDP", "Primitives", "TestSupport"]),
    tests("MediaTests", ["Media", "RTP", "Primitives", "TestSupport"]),
    tests("M3U8Tests", ["M3U8"]),
    tests("ISOBMFFTests", ["ISOBMFF", "Media", "Primitives", "TestSupport"]),
    tests("ICETests", ["ICE", "STUN", "Primitives", "TestSupport"]),
    tests("DTLSTests", ["DTLS", "Primitives", "TestSupport"]),
    tests("SRTPTests", ["SRTP", "Primitives", "TestSupport"]),
    tests("CongestionControlTests", ["CongestionControl", "SFU", "RTP", "Primitives", "TestSupport"]),
    tests("WebRTCTests", ["WebRTC", "SDP", "RTP", "Media", "ICE", "DTLS", "Primitives", "TestSupport"]),
    tests("SFUTests", ["SFU", "RTP", "Media", "Primitives", "TestSupport"]),
    tests("HLSTests", ["HLS", "ISOBMFF", "Media", "Primitives", "TestSupport"]),
    tests("RTMPTests", ["RTMP", "Media", "Primitives", "TestSupport"]),
    tests("RoomsTests", ["Rooms", "Primitives", "TestSupport"]),
    tests("NodesTests", ["Nodes", "Primitives", "TestSupport"]),
    tests("SignalingTests", ["Signaling", "Rooms", "Primitives", "TestSupport"]),
    tests("TranscodingTests", ["Transcoding", "Media", "RTP", "Primitives", "TestSupport", "COpus", "CFFmpeg"]),
    tests("MediaIOTests", ["MediaIO", "WebRTC", "DTLS", "ICE", "STUN", "CLinux", "Primitives", "TestSupport"]),
    tests(
        "MediaClientTests",
        [
            "MediaClient", "WebRTC", "SRTP", "DTLS", "ICE", "RTP", "Media", "Primitives", "CFFmpeg",
            "TestSupport",
        ]),
    tests(
        "SimulationTests",
        ["MediaIO", "WebRTC", "SFU", "SRTP", "DTLS", "ICE", "STUN", "RTP", "Media", "Primitives", "TestSupport"]),
    tests("ArchitectureTests", []),
    .target(
        name: "FuzzTargets",
        dependencies: [
            "Primitives", "STUN", "RTP", "SDP", "M3U8", "Media", "ISOBMFF", "ICE", "DTLS", "SFU", "WebRTC", "RTMP",
            "HLS", "Signaling",
        ],
        path: "Fuzz/Targets", swiftSettings: settings),
    tests("FuzzTests", ["FuzzTargets"]),
]

// MARK: - Fuzzing

// With MARTLET_FUZZ=1 there is also the fuzzer itself, which links only under libFuzzer; see scripts/fuzz.sh.
let fuzzer: [Target] =
    Context.environment["MARTLET_FUZZ"] == "1"
    ? [.executableTarget(name: "Fuzz", dependencies: ["FuzzTargets"], path: "Fuzz/Runner", swiftSettings: settings)]
    : []

// MARK: - Benchmarks

// With MARTLET_BENCHMARK=1; see scripts/bench.sh.
let benchmarks: [Target] =
    Context.environment["MARTLET_BENCHMARK"] == "1"
    ? [
        .executableTarget(
            name: "MediaCoreBenchmark",
            dependencies: [
                "MediaIO", "WebRTC", "SRTP", "DTLS", "ICE", "STUN", "RTP", "Media", "CongestionControl", "Primitives",
                "CLinux",
            ],
            path: "Benchmarks/MediaCoreBenchmark", swiftSettings: settings)
    ]
    : []

// MARK: - The gateway

let gateway: [Target] = [
    module(
        "GatewayConfiguration", in: "Edges",
        [
            "Primitives", .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "Yams", package: "Yams"),
        ]),
    module(
        "Telemetry", in: "Edges",
        [
            "Primitives", .product(name: "Logging", package: "swift-log"),
            .product(name: "Metrics", package: "swift-metrics"),
        ]),
    module(
        "Auth", in: "Edges",
        [
            "Primitives", .product(name: "JWTKit", package: "jwt-kit"),
            .product(name: "Crypto", package: "swift-crypto"),
        ]),
    module(
        "TransportSecurity", in: "Edges",
        [
            "Primitives", .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "NIOTLS", package: "swift-nio"),
            .product(name: "SwiftASN1", package: "swift-asn1"),
            .product(name: "X509", package: "swift-certificates"),
        ]),
    module(
        "Gateway", in: "Edges",
        [
            "Primitives", "RTP", "Media", "ICE", "DTLS", "WebRTC", "SFU", "Nodes", "MediaIO", "Transcoding",
            "Telemetry",
            .product(name: "Logging", package: "swift-log"),
        ]),
    module(
        "Recording", in: "Edges",
        [
            "Primitives", "Media", "ISOBMFF", "MediaIO", "Gateway", "Telemetry",
            .product(name: "Logging", package: "swift-log"),
        ]),
    module(
        "Webhooks", in: "Edges",
        [
            "Primitives", "Gateway", "Recording", "Auth", "Telemetry",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ]),
    module(
        "RTMPService", in: "Edges",
        [
            "Primitives", "RTMP", "Media", "Gateway", "Auth", "Telemetry", "TransportSecurity",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    module(
        "RoomService", in: "Edges",
        [
            "Primitives", "Rooms", "Signaling", "Gateway", "Auth",
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    system("CHiredis", libraries: ["hiredis"]),
    module("Redis", in: "Edges", ["Primitives", "MediaIO", "CHiredis", "CLinux"]),
    module(
        "NodeService", in: "Edges",
        [
            "Primitives", "Nodes", "Redis", "Gateway", "Auth", "Telemetry",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    system("CWebVendor", libraries: []),
    module(
        "HLSService", in: "Edges",
        [
            "Primitives", "Media", "HLS", "Gateway", "Transcoding", "Auth", "Telemetry", "CZlib",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    .target(
        name: "SignalingSDK", path: "signaling/sdk",
        exclude: ["javascript/README.md", "javascript/index.d.ts", "javascript/package.json", "javascript/tests"],
        sources: ["SignalingSDK.swift"], resources: [.embedInCode("javascript/src")], swiftSettings: settings),
    .target(
        name: "WebPages", dependencies: ["CWebVendor", "SignalingSDK"], path: "web", exclude: ["vendor"],
        resources: [.embedInCode("pages")], swiftSettings: settings),
    module(
        "HTTPService", in: "Edges",
        [
            "Primitives", "HLS", "HLSService", "Gateway", "Recording", "Rooms", "Nodes", "Signaling", "RoomService",
            "Webhooks", "Auth", "Telemetry", "TransportSecurity", "WebPages",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "HummingbirdHTTP2", package: "hummingbird"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "NIOTLS", package: "swift-nio"),
            .product(name: "NIOWebSocket", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    module(
        "Conformance", in: "Edges",
        [
            "Primitives", "SDP", "M3U8", "Media", "ICE", "DTLS", "MediaClient", "Telemetry", "TransportSecurity",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    module(
        "LoadTest", in: "Edges",
        [
            "M3U8", "TransportSecurity",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    .executableTarget(
        name: "martlet",
        dependencies: [
            "Primitives", "STUN", "Media", "ICE", "SRTP", "GatewayConfiguration", "Telemetry", "Auth", "Gateway",
            "MediaIO", "Transcoding", "MediaClient", "RTMP", "RTMPService", "Recording", "Webhooks", "HLS",
            "HLSService", "Rooms", "RoomService", "Nodes", "NodeService", "Redis", "HTTPService", "Conformance",
            "LoadTest", "TransportSecurity",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "Metrics", package: "swift-metrics"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ],
        path: "Sources/App/martlet", swiftSettings: settings),
]

let gatewayTests: [Target] = [
    .target(
        name: "RedisSupport", dependencies: ["Redis", "Primitives"], path: "Tests/RedisSupport", swiftSettings: settings
    ),
    tests("RedisTests", ["Redis", "RedisSupport", "Primitives", "TestSupport"]),
    tests(
        "NodeServiceTests",
        [
            "NodeService", "Nodes", "Redis", "RedisSupport", "Gateway", "Auth", "Primitives", "TestSupport",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests("GatewayConfigurationTests", ["GatewayConfiguration", "Primitives", "TestSupport"]),
    tests(
        "AuthTests",
        [
            "Auth", "Primitives", "TestSupport", .product(name: "JWTKit", package: "jwt-kit"),
            .product(name: "Crypto", package: "swift-crypto"), .product(name: "CryptoExtras", package: "swift-crypto"),
        ]),
    tests(
        "TelemetryTests",
        [
            "Telemetry", "TestSupport", .product(name: "Logging", package: "swift-log"),
            .product(name: "Metrics", package: "swift-metrics"),
        ]),
    tests(
        "GatewayTests",
        [
            "Gateway", "MediaIO", "Transcoding", "SFU", "Media", "RTP", "DTLS", "Telemetry", "Nodes", "Primitives",
            "TestSupport",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests(
        "RecordingTests",
        [
            "Recording", "ISOBMFF", "Gateway", "Media", "Telemetry", "Primitives", "TestSupport",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests(
        "WebhooksTests",
        [
            "Webhooks", "Gateway", "Recording", "Auth", "Telemetry", "Primitives", "TestSupport",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests(
        "RTMPServiceTests",
        [
            "RTMPService", "RTMP", "Gateway", "Auth", "Media", "Primitives", "TransportSecurity", "TestSupport",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    tests(
        "HLSServiceTests",
        [
            "HLSService", "HLS", "Gateway", "Media", "Primitives", "TestSupport",
            .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
        ]),
    tests(
        "RoomServiceTests",
        ["RoomService", "Rooms", "Signaling", "Gateway", "Auth", "Primitives", "TestSupport"]),
    tests(
        "HTTPServiceTests",
        [
            "HTTPService", "HLS", "HLSService", "Media", "Gateway", "Recording", "RoomService", "Rooms", "ISOBMFF",
            "Webhooks", "Auth", "Telemetry",
            "WebPages",
            "Primitives", "TransportSecurity",
            "TestSupport",
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdTesting", package: "hummingbird"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]),
    tests(
        "TransportSecurityTests",
        [
            "TransportSecurity", "Primitives", .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "NIOTLS", package: "swift-nio"),
        ]),
    tests("LoadTestTests", ["LoadTest", "M3U8"]),
    tests(
        "ConformanceTests",
        [
            "Conformance", "M3U8", "SDP", "Primitives", "TestSupport",
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
        ]),
]

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v26)],
    targets: mediaCore + mediaCoreTests + fuzzer + benchmarks
)

if !mediaCoreOnly {
    package.targets += gateway + gatewayTests
    package.products = [.executable(name: "martlet", targets: ["martlet"])]
    package.dependencies = [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", exact: "1.4.0",
            traits: ["YAML", "CommandLineArguments", "Reloading"]),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
    ]
}
