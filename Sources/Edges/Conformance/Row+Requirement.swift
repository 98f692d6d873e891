extension Row {
    /// What the row asks.
    ///
    /// WHEP is still a draft whose sections move, so it is cited by their titles.
    package var requirement: Requirement {
        switch self {
        case .options, .acceptPost, .preflight, .get, .head, .method, .allow: endpointRequirement
        case .redirect, .created, .answerType, .location, .entityTag, .iceServers, .extensions: offerRequirement
        case .answerSyntax, .answerSections, .answerComplete, .answerBundle, .answerMultiplexing, .answerDirection,
            .answerFormats, .answerHeaderExtensions, .answerStream, .answerSetup, .answerFingerprint,
            .answerCredentials, .answerCandidates, .answerLite:
            answerRequirement
        case .sessionPreflight, .acceptPatch, .sessionGet, .trickle, .trickleTag, .trickleOdd, .patchUntagged,
            .patchStale, .patchType, .patchType415, .patchGarbage:
            sessionRequirement
        case .restart, .restartType, .restartTag, .restartCredentials, .restartAttributes, .restartOldTag,
            .restartFailure:
            restartRequirement
        case .endIgnoresTag, .end, .end200, .endAgain, .endPatch, .abandoned: endRequirement
        case .mediaConnected, .mediaReceived, .mediaSurvives, .mediaRestarts, .mediaEnds: mediaRequirement
        case .type, .type415, .garbage, .garbage400, .codecs, .size, .token, .challenge, .idle, .retryAfter:
            refusalRequirement
        case .counterOffer, .counterOfferSDP, .counterOfferValidity, .counterOfferAnswer, .counterOfferGarbage,
            .counterOfferConnected:
            counterOfferRequirement
        case .cors, .errorCORS, .errorType, .errorSecrets, .problem, .problemMembers, .date: everywhereRequirement
        }
    }

    private var endpointRequirement: Requirement {
        let usage = (whip: "RFC 9725 §4.1", whep: "WHEP, HTTP usage")
        let options = (whip: "RFC 9725 §4.2", whep: "WHEP, Playback session termination")
        switch self {
        case .options:
            return Requirement(.must, "OPTIONS is answered with 200", whip: options.whip, whep: options.whep)
        case .acceptPost:
            return Requirement(
                .should, "OPTIONS names application/sdp in Accept-Post", whip: options.whip, whep: options.whep)
        case .preflight:
            return Requirement(
                .must, "A CORS preflight without a token allows Authorization and Content-Type",
                whip: "RFC 9725 §4.2, §4.7.1; Fetch", whep: "WHEP, Bearer token authentication; Fetch")
        case .get:
            return Requirement(.must, "GET is answered with 2xx and no content", whip: usage.whip, whep: usage.whep)
        case .head:
            return Requirement(
                .should, "HEAD is answered with 2xx; WHEP: 200 and application/sdp", whip: "RFC 9110 §9.3.2",
                whep: "WHEP, HTTP usage")
        case .method: return Requirement(.should, "PUT is answered with 405 or 501", "RFC 9110 §9.1")
        default: return Requirement(.must, "A 405 names the methods that work in Allow", "RFC 9110 §15.5.6")
        }
    }

    private var offerRequirement: Requirement {
        let setUp = (whip: "RFC 9725 §4.2", whep: "WHEP, Playback session set up")
        switch self {
        case .redirect:
            return Requirement(
                .must, "A POST is redirected by 307 or 308 alone", whip: "RFC 9725 §4.5",
                whep: "WHEP, Load balancing and redirections")
        case .created:
            return Requirement(.must, "POST of an offer is answered with 201", whip: setUp.whip, whep: setUp.whep)
        case .answerType:
            return Requirement(.must, "The answer is application/sdp", whip: setUp.whip, whep: setUp.whep)
        case .location:
            return Requirement(.must, "Location leads to the new session", whip: setUp.whip, whep: setUp.whep)
        case .entityTag:
            return Requirement(
                .must, "The answer carries a strong, quoted ETag where ICE restarts work", whip: "RFC 9725 §4.3.1",
                whep: "WHEP, HTTP PATCH request usage")
        case .iceServers:
            return Requirement(
                .must, "ICE servers are STUN or TURN addresses in Link, TURN with credentials",
                whip: "RFC 9725 §4.6", whep: "WHEP, STUN/TURN server configuration")
        default:
            return Requirement(
                .must, "Extensions are announced by Link with an address", whip: "RFC 9725 §4.9",
                whep: "WHEP, Protocol extensions")
        }
    }

    private var answerRequirement: Requirement {
        let bundle = (whip: "RFC 9725 §4.4.1", whep: "WHEP, SDP Bundle")
        let setUp = (whip: "RFC 9725 §4.2", whep: "WHEP, Media Direction Attributes")
        switch self {
        case .answerSyntax: return Requirement(.must, "The answer is a session description", "RFC 8866 §5")
        case .answerSections:
            return Requirement(
                .must, "It has the media sections of the offer, in order, with their mids", "RFC 3264 §6")
        case .answerComplete:
            return Requirement(.should, "It accepts every media section", whip: "RFC 9725 §4.4.3", whep: nil)
        case .answerBundle:
            return Requirement(
                .must, "What it accepts is in one BUNDLE group", whip: bundle.whip, whep: bundle.whep)
        case .answerMultiplexing:
            return Requirement(.must, "It has rtcp-mux", whip: bundle.whip, whep: bundle.whep)
        case .answerDirection:
            return Requirement(
                .must, "It is recvonly when publishing, sendonly when watching", whip: setUp.whip, whep: setUp.whep)
        case .answerFormats:
            return Requirement(.must, "Its formats are among those offered, and mean the same", "RFC 3264 §6.1")
        case .answerHeaderExtensions:
            return Requirement(.must, "Its header extensions are among those offered, with their IDs", "RFC 8285 §6")
        case .answerStream:
            return Requirement(
                .must, "All its tracks have an msid, of one media stream", whip: nil, whep: "WHEP, Single MediaStream")
        case .answerSetup: return Requirement(.must, "It decides setup: active or passive", "RFC 8842 §5.3")
        case .answerFingerprint:
            return Requirement(.must, "It has a certificate fingerprint by SHA-256 or stronger", "RFC 8122 §5")
        case .answerCredentials:
            return Requirement(.must, "It has an ice-ufrag and ice-pwd of the lengths allowed", "RFC 8839 §5.4")
        case .answerCandidates:
            return Requirement(
                .must, "It holds the server's candidates: none can follow", whip: "RFC 9725 §4.3.2",
                whep: "WHEP, Trickle ICE")
        default: return Requirement(.must, "ice-lite, where it is said, is said of the session", "RFC 8839 §5.3")
        }
    }

    private var sessionRequirement: Requirement {
        let patch = (whip: "RFC 9725 §4.3.1", whep: "WHEP, HTTP PATCH request usage")
        let trickle = (whip: "RFC 9725 §4.3.2", whep: "WHEP, Trickle ICE")
        switch self {
        case .sessionPreflight:
            return Requirement(
                .must, "A preflight of a session allows PATCH and DELETE with If-Match, without a token",
                whip: "RFC 9725 §4.7.1; Fetch", whep: "WHEP, Bearer token authentication; Fetch")
        case .acceptPatch:
            return Requirement(
                .should, "OPTIONS of a session names trickle-ice-sdpfrag in Accept-Patch", "RFC 5789 §3.1")
        case .sessionGet:
            return Requirement(
                .must, "GET of a session is answered with 2xx and no content", whip: "RFC 9725 §4.1",
                whep: "WHEP, HTTP usage")
        case .trickle:
            return Requirement(
                .must, "PATCH with candidates is answered with 204", whip: trickle.whip, whep: trickle.whep)
        case .trickleTag: return Requirement(.must, "That 204 has no ETag", whip: trickle.whip, whep: trickle.whep)
        case .trickleOdd:
            return Requirement(
                .must, "Candidates that cannot be used are passed over in silence", whip: trickle.whip,
                whep: trickle.whep)
        case .patchUntagged:
            return Requirement(.must, "PATCH without If-Match is 428", whip: trickle.whip, whep: patch.whep)
        case .patchStale:
            return Requirement(.must, "PATCH for another ETag is 412", whip: trickle.whip, whep: patch.whep)
        case .patchType:
            return Requirement(.must, "PATCH of another media type is refused", whip: patch.whip, whep: patch.whep)
        case .patchType415:
            return Requirement(.should, "PATCH of another media type is 415", "RFC 9110 §15.5.16")
        default:
            return Requirement(.must, "PATCH that is no fragment is refused", whip: patch.whip, whep: patch.whep)
        }
    }

    private var restartRequirement: Requirement {
        let text: String =
            switch self {
            case .restart: "PATCH with new credentials and If-Match: * is answered with 200"
            case .restartType: "That answer is application/trickle-ice-sdpfrag"
            case .restartTag: "It has a new strong ETag"
            case .restartCredentials: "It has a new ice-ufrag and ice-pwd"
            case .restartAttributes: "It repeats the ice-lite and ice-options of the answer"
            case .restartOldTag: "The old ETag no longer opens the session"
            default: "A restart that fails leaves the session alive"
            }
        return Requirement(.must, text, whip: "RFC 9725 §4.3.3", whep: "WHEP, ICE Restarts")
    }

    private var endRequirement: Requirement {
        let end = (whip: "RFC 9725 §4.2", whep: "WHEP, Playback session termination")
        switch self {
        case .endIgnoresTag:
            return Requirement(
                .must, "DELETE takes no notice of If-Match", whip: "RFC 9725 §4.3.1",
                whep: "WHEP, HTTP PATCH request usage")
        case .end: return Requirement(.must, "DELETE of a session ends it", whip: end.whip, whep: end.whep)
        case .end200:
            return Requirement(.should, "DELETE is answered with 200", whip: "RFC 9725 §3", whep: "WHEP, Overview")
        case .endAgain: return Requirement(.should, "A second DELETE is 404 or 410", "RFC 9110 §15.5.5")
        case .endPatch: return Requirement(.should, "PATCH of a session that ended is 404 or 410", "RFC 9110 §15.5.5")
        default:
            return Requirement(.should, "A session that never connects ends by itself within 90 s", "RFC 7675 §5.1")
        }
    }

    private var mediaRequirement: Requirement {
        switch self {
        case .mediaConnected:
            return Requirement(
                .must, "A session connects, by ICE and by DTLS with the certificate of the answer",
                whip: "RFC 9725 §3", whep: "WHEP, Overview")
        case .mediaReceived:
            return Requirement(.should, "Media comes within five seconds", whip: nil, whep: "WHEP, Overview")
        case .mediaSurvives:
            return Requirement(
                .must, "A restart that fails does not disturb a connected session", whip: "RFC 9725 §4.3.3",
                whep: "WHEP, ICE Restarts")
        case .mediaRestarts:
            return Requirement(
                .must, "After a restart the session goes on, under the new credentials", whip: "RFC 9725 §4.3.3",
                whep: "WHEP, ICE Restarts")
        default:
            return Requirement(
                .must, "DELETE ends the transport: the server says so, or falls silent", whip: "RFC 9725 §4.2",
                whep: "WHEP, Playback session termination")
        }
    }

    private var refusalRequirement: Requirement {
        let setUp = (whip: "RFC 9725 §4.2", whep: "WHEP, Error Conditions")
        switch self {
        case .type:
            return Requirement(.must, "POST of another media type is refused", whip: setUp.whip, whep: setUp.whep)
        case .type415: return Requirement(.should, "POST of another media type is 415", "RFC 9110 §15.5.16")
        case .garbage:
            return Requirement(.must, "POST of what is no offer is refused", whip: setUp.whip, whep: setUp.whep)
        case .garbage400: return Requirement(.should, "POST of what is no offer is 400 or 422", "RFC 9110 §15.5.1")
        case .codecs:
            return Requirement(
                .should, "An offer of unknown codecs is 406 or 422", whip: "RFC 9725 §4.4.3",
                whep: "WHEP, Server Sends Counter-offer")
        case .size: return Requirement(.should, "A body of one megabyte is 413", "RFC 9110 §15.5.14")
        case .token: return Requirement(.should, "A bad bearer token is 401", "RFC 6750 §3.1")
        case .challenge:
            return Requirement(.must, "A 401 says how to authenticate in WWW-Authenticate", "RFC 9110 §11.6.1")
        case .idle:
            return Requirement(
                .must, "A stream that nobody publishes is 409", whip: nil, whep: "WHEP, Session Management")
        default:
            return Requirement(.must, "That 409 has Retry-After", whip: nil, whep: "WHEP, Session Management")
        }
    }

    private var counterOfferRequirement: Requirement {
        let text: String =
            switch self {
            case .counterOffer: "A counter-offer says in Location where the answer goes"
            case .counterOfferSDP: "A counter-offer is an offer to send: actpass, sendonly or sendrecv"
            case .counterOfferValidity: "valid-until, where it stands, is a date"
            case .counterOfferAnswer: "PATCH with the answer to a counter-offer is answered with 204"
            case .counterOfferGarbage: "PATCH with what is no answer to a counter-offer is refused"
            default: "A session connects by the answer to a counter-offer"
            }
        return Requirement(.must, text, whip: nil, whep: "WHEP, Server Sends Counter-offer")
    }

    private var everywhereRequirement: Requirement {
        switch self {
        case .cors:
            return Requirement(
                .should, "Pages of other sites can read the answers, with Location, ETag and Link",
                whip: "RFC 9725 §4.2; Fetch", whep: "WHEP, Playback session termination; Fetch")
        case .errorCORS:
            return Requirement(
                .should, "They can read errors too, with Retry-After", whip: "RFC 9725 §4.2; Fetch",
                whep: "WHEP, Playback session termination; Fetch")
        case .errorType: return Requirement(.should, "An error with a body names its media type", "RFC 9110 §8.3")
        case .errorSecrets:
            return Requirement(.should, "An error repeats neither the token nor the offer", "RFC 9457 §5")
        case .problem:
            return Requirement(
                .may, "Errors are application/problem+json", whip: "RFC 9725 §4.1", whep: "WHEP, HTTP usage")
        case .problemMembers:
            return Requirement(
                .should, "Problems have a type and a title, and the status of the answer", "RFC 9457 §3.1")
        default: return Requirement(.must, "Answers have a sane Date", "RFC 9110 §6.6.1")
        }
    }
}
