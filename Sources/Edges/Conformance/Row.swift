/// One line of the report: one thing that an endpoint does or does not do.
///
/// The raw values are stable: scripts compare reports by them. What stands before the dot is the topic.
package enum Row: String, CaseIterable, Hashable, Sendable {
    case options = "endpoint.options"
    case acceptPost = "endpoint.accept-post"
    case preflight = "endpoint.preflight"
    case get = "endpoint.get"
    case head = "endpoint.head"
    case method = "endpoint.method"
    case allow = "endpoint.allow"

    case redirect = "offer.redirect"
    case created = "offer.created"
    case answerType = "offer.type"
    case location = "offer.location"
    case entityTag = "offer.etag"
    case iceServers = "offer.ice-servers"
    case extensions = "offer.extensions"

    case answerSyntax = "answer.syntax"
    case answerSections = "answer.sections"
    case answerComplete = "answer.complete"
    case answerBundle = "answer.bundle"
    case answerMultiplexing = "answer.rtcp-mux"
    case answerDirection = "answer.direction"
    case answerFormats = "answer.formats"
    case answerHeaderExtensions = "answer.extmap"
    case answerStream = "answer.msid"
    case answerSetup = "answer.setup"
    case answerFingerprint = "answer.fingerprint"
    case answerCredentials = "answer.ice"
    case answerCandidates = "answer.candidates"
    case answerLite = "answer.ice-lite"

    case sessionPreflight = "session.preflight"
    case acceptPatch = "session.accept-patch"
    case sessionGet = "session.get"

    case trickle = "trickle.accepted"
    case trickleTag = "trickle.no-etag"
    case trickleOdd = "trickle.odd-candidates"
    case patchUntagged = "patch.no-tag"
    case patchStale = "patch.stale-tag"
    case patchType = "patch.type"
    case patchType415 = "patch.type-415"
    case patchGarbage = "patch.garbage"

    case restart = "restart.answered"
    case restartType = "restart.type"
    case restartTag = "restart.etag"
    case restartCredentials = "restart.credentials"
    case restartAttributes = "restart.attributes"
    case restartOldTag = "restart.old-tag"
    case restartFailure = "restart.failure"

    case endIgnoresTag = "end.ignores-tag"
    case end = "end.deleted"
    case end200 = "end.200"
    case endAgain = "end.again"
    case endPatch = "end.patch"
    case abandoned = "end.abandoned"

    case mediaConnected = "media.connected"
    case mediaReceived = "media.received"
    case mediaSurvives = "media.failed-restart"
    case mediaRestarts = "media.restarted"
    case mediaEnds = "media.ended"

    case type = "refusal.type"
    case type415 = "refusal.type-415"
    case garbage = "refusal.garbage"
    case garbage400 = "refusal.garbage-400"
    case codecs = "refusal.codecs"
    case size = "refusal.size"
    case token = "refusal.token"
    case challenge = "refusal.challenge"
    case idle = "refusal.idle"
    case retryAfter = "refusal.retry-after"

    case counterOffer = "counter-offer.location"
    case counterOfferSDP = "counter-offer.sdp"
    case counterOfferValidity = "counter-offer.valid-until"
    case counterOfferAnswer = "counter-offer.answer"
    case counterOfferGarbage = "counter-offer.garbage"
    case counterOfferConnected = "counter-offer.connected"

    case cors = "everywhere.cors"
    case errorCORS = "everywhere.error-cors"
    case errorType = "everywhere.error-type"
    case errorSecrets = "everywhere.error-secrets"
    case problem = "everywhere.problem"
    case problemMembers = "everywhere.problem-members"
    case date = "everywhere.date"

    package var topic: Substring { rawValue.prefix { $0 != "." } }

    /// The rows that make sense for an endpoint, in the order of the report.
    package static func all(for kind: EndpointKind) -> [Row] {
        allCases.filter { $0.requirement.source(for: kind) != nil }
    }
}
