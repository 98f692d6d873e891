/// A request to publish or to watch that the gateway refused.
package struct GatewayRefusal: Error, Sendable, CustomStringConvertible {
    /// What kind of refusal it is; the name is stable and appears in problem details and metrics.
    package struct Code: Hashable, Sendable {
        package let name: String
        /// The HTTP status that says the same.
        package let status: Int

        package static let malformedOffer = Code(name: "malformed-offer", status: 400)
        package static let malformedFragment = Code(name: "malformed-fragment", status: 400)
        package static let malformedAnswer = Code(name: "malformed-answer", status: 400)
        package static let unsuitableAnswer = Code(name: "unsuitable-answer", status: 422)
        package static let unknownStream = Code(name: "unknown-stream", status: 404)
        package static let unknownSession = Code(name: "unknown-session", status: 404)
        package static let unknownEventStream = Code(name: "unknown-event-stream", status: 404)
        package static let tooManyEventStreams = Code(name: "too-many-event-streams", status: 429)
        package static let unknownLayer = Code(name: "unknown-layer", status: 404)
        package static let noLayers = Code(name: "no-layers", status: 404)
        package static let notPublishing = Code(name: "stream-not-publishing", status: 409)
        package static let alreadyPublishing = Code(name: "stream-already-publishing", status: 409)
        package static let recordingNotAllowed = Code(name: "recording-not-allowed", status: 409)
        package static let noCommonCodec = Code(name: "no-common-codec", status: 406)
        package static let reorderedVideo = Code(name: "reordered-video", status: 406)
        package static let transcodingLimit = Code(name: "transcoding-limit", status: 406)
        package static let unsupportedCodec = Code(name: "unsupported-codec", status: 406)
        package static let unknownTrack = Code(name: "unknown-track", status: 404)
        package static let tooManyTracks = Code(name: "too-many-tracks", status: 409)
        package static let roleNotAllowed = Code(name: "role-not-allowed", status: 403)
        package static let outdatedOffer = Code(name: "outdated-offer", status: 409)
        package static let noPicture = Code(name: "no-picture", status: 409)
        package static let noKeyFrame = Code(name: "no-key-frame", status: 503)
        package static let undecodablePicture = Code(name: "undecodable-picture", status: 503)
        package static let snapshotsBusy = Code(name: "snapshots-busy", status: 503)
        package static let draining = Code(name: "draining", status: 503)
        package static let overloaded = Code(name: "overloaded", status: 503)
        package static let internalFailure = Code(name: "internal-failure", status: 500)
    }

    package var code: Code
    /// What happened and what the client can do about it, in plain words.
    ///
    /// Never holds a token or a session description.
    package var message: String
    /// When to try again, where that makes sense.
    package var retryAfter: Duration?

    package init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    package var description: String { "\(code.name): \(message)" }
}
