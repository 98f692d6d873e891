/// The JavaScript client of signaling, as `signaling/sdk/javascript` has it.
///
/// It is compiled into the program, for the page of a room and for whoever takes it from a gateway.
package enum SignalingSDK {
    /// Its modules by name; each imports the others by names beside its own.
    package static let modules: [String: [UInt8]] = [
        "binary.js": PackageResources.binary_js,
        "client.js": PackageResources.client_js,
        "errors.js": PackageResources.errors_js,
        "events.js": PackageResources.events_js,
        "index.js": PackageResources.index_js,
        "link.js": PackageResources.link_js,
        "media.js": PackageResources.media_js,
        "publishing.js": PackageResources.publishing_js,
        "repair.js": PackageResources.repair_js,
        "requests.js": PackageResources.requests_js,
        "room.js": PackageResources.room_js,
        "subscribing.js": PackageResources.subscribing_js,
        "ways.js": PackageResources.ways_js,
    ]
}
