import DTLS
import ICE
import SDP

/// Holds an answer against the offer it answers.
struct AnswerJudge {
    let offer: SessionDescription
    let kind: EndpointKind

    /// - Parameter text: The body that came with 201.
    /// - Returns: A finding for each row about the answer that ``kind`` has, in the order of the report.
    func findings(on text: [UInt8]) -> [Finding] {
        var findings: [Finding] = []
        let rows = Row.all(for: kind).filter { $0.topic == "answer" }
        let answer: SessionDescription
        do throws(SDPError) {
            answer = try SessionDescription(parsing: text)
        } catch {
            return rows.map { row in
                row == .answerSyntax
                    ? Finding(row, .failed, error.detail) : Finding(row, .skipped, "the answer cannot be read")
            }
        }
        for row in rows { findings.append(judge(row, answer)) }
        return findings
    }

    private func judge(_ row: Row, _ answer: SessionDescription) -> Finding {
        switch row {
        case .answerSyntax: return Finding(row, .passed, "\(answer.media.count) media sections")
        case .answerSections: return finding(row, wrong: wrongSections(answer), right: sectionList(answer))
        case .answerLite: return lite(row, answer)
        default: break
        }
        let accepted = accepted(answer)
        guard !accepted.isEmpty else {
            return row == .answerComplete
                ? Finding(row, .failed, "it accepts nothing") : Finding(row, .skipped, "the answer accepts nothing")
        }
        switch row {
        case .answerComplete:
            let refused = answer.media.indices.filter { !accepted.contains($0) }.map { answer.media[$0].media }
            return finding(row, wrong: refused.isEmpty ? nil : "without \(list(refused))", right: "all")
        case .answerBundle: return finding(row, wrong: wrongBundle(answer, accepted), right: "one group")
        case .answerMultiplexing:
            let speaker = answer.media[speaker(answer, accepted)]
            return finding(row, wrong: speaker.attributes.contains("rtcp-mux") ? nil : "without it", right: "there")
        case .answerDirection: return finding(row, wrong: wrongDirection(answer, accepted), right: direction.rawValue)
        case .answerFormats:
            return finding(row, wrong: wrongFormat(answer, accepted), right: formatList(answer, accepted))
        case .answerHeaderExtensions:
            return finding(row, wrong: wrongHeaderExtension(answer, accepted), right: "all were offered")
        case .answerStream: return stream(row, answer, accepted)
        case .answerSetup:
            let setup = answer.inherited("setup", inMediaSection: speaker(answer, accepted)) ?? "none"
            let isDecided = setup == SetupRole.active.rawValue || setup == SetupRole.passive.rawValue
            return Finding(row, isDecided ? .passed : .failed, Quoted.line(setup))
        case .answerFingerprint: return fingerprint(row, answer, accepted)
        case .answerCredentials: return credentials(row, answer, accepted)
        default: return candidates(row, answer, accepted)
        }
    }

    private func finding(_ row: Row, wrong: String?, right: String) -> Finding {
        Finding(row, wrong == nil ? .passed : .failed, Quoted.line(wrong ?? right))
    }

    // MARK: Sections

    private func wrongSections(_ answer: SessionDescription) -> String? {
        guard answer.media.count == offer.media.count else {
            return "\(answer.media.count) sections for \(offer.media.count)"
        }
        for (offered, answered) in zip(offer.media, answer.media) {
            guard answered.media == offered.media else { return "\(answered.media) where \(offered.media) was offered" }
            guard answered.mid == offered.mid || (answered.port == 0 && answered.mid == nil) else {
                return "\(answered.media) has mid \(answered.mid ?? "none") for \(offered.mid ?? "none")"
            }
        }
        return nil
    }

    private func sectionList(_ answer: SessionDescription) -> String {
        list(answer.media.map(\.media))
    }

    /// Port 0 rejects a section, except that the WHEP draft's own example answers with it for the rest of a bundle.
    private func accepted(_ answer: SessionDescription) -> [Int] {
        answer.media.indices.filter { index in
            offer.media.indices.contains(index)
                && (answer.media[index].port != 0 || answer.media[index].attributes.contains("bundle-only"))
        }
    }

    /// The section whose transport attributes count for the bundle (RFC 9143 §7.1.3).
    private func speaker(_ answer: SessionDescription, _ accepted: [Int]) -> Int {
        let tag = answer.group("BUNDLE")?.mids.first
        return accepted.first { answer.media[$0].mid == tag } ?? accepted.first ?? 0
    }

    private func wrongBundle(_ answer: SessionDescription, _ accepted: [Int]) -> String? {
        guard let group = answer.group("BUNDLE") else { return "no group" }
        let offered = Set(offer.media.compactMap(\.mid))
        if let unknown = group.mids.first(where: { !offered.contains($0) }) {
            return "it groups \(unknown), not offered"
        }
        for index in accepted where !group.mids.contains(answer.media[index].mid ?? "") {
            return "\(answer.media[index].media) is not in the group"
        }
        return nil
    }

    // MARK: Media

    private var direction: MediaDirection { kind == .whip ? .recvonly : .sendonly }

    private func wrongDirection(_ answer: SessionDescription, _ accepted: [Int]) -> String? {
        for index in accepted {
            // RFC 8866 §6.7: what says nothing is sendrecv.
            let said = answer.media[index].direction ?? answer.attributes.direction ?? .sendrecv
            if said != direction { return "\(answer.media[index].media) is \(said.rawValue)" }
        }
        return nil
    }

    private func maps(_ media: MediaDescription) -> [UInt8: RTPMap] {
        let maps = media.attributes.all("rtpmap").compactMap { RTPMap(parsing: $0) }
        return Dictionary(maps.map { ($0.payloadType, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func wrongFormat(_ answer: SessionDescription, _ accepted: [Int]) -> String? {
        for index in accepted {
            let (offered, answered) = (offer.media[index], answer.media[index])
            if let unknown = answered.formats.first(where: { !offered.formats.contains($0) }) {
                return "\(answered.media) has format \(unknown), not offered"
            }
            let known = maps(offered)
            for (payloadType, map) in maps(answered) where answered.formats.contains(String(payloadType)) {
                guard let other = known[payloadType] else { continue }
                if map.encodingName.lowercased() != other.encodingName.lowercased() || map.clockRate != other.clockRate
                {
                    return "\(payloadType) is \(map.encodingName), offered as \(other.encodingName)"
                }
            }
        }
        return nil
    }

    private func formatList(_ answer: SessionDescription, _ accepted: [Int]) -> String {
        let names = accepted.flatMap { index in
            answer.media[index].formats.compactMap { UInt8($0) }.compactMap {
                maps(answer.media[index])[$0]?.encodingName
            }
        }
        let codecs = names.filter { $0.lowercased() != "rtx" }
        return list(codecs.reduce(into: []) { list, name in if !list.contains(name) { list.append(name) } })
    }

    private func wrongHeaderExtension(_ answer: SessionDescription, _ accepted: [Int]) -> String? {
        for index in accepted {
            let offered = Set(offer.media[index].attributes.all("extmap").compactMap(Self.headerExtension))
            for value in answer.media[index].attributes.all("extmap") {
                guard let answered = Self.headerExtension(value) else { return "an extmap that cannot be read" }
                if !offered.contains(answered) { return "\(answer.media[index].media): \(answered), not offered" }
            }
        }
        return nil
    }

    /// `3/sendonly urn:x` as `3 urn:x`.
    private static func headerExtension(_ value: String) -> String? {
        let fields = value.split(separator: " ")
        guard fields.count >= 2, let id = fields[0].split(separator: "/").first else { return nil }
        return "\(id) \(fields[1])"
    }

    private func stream(_ row: Row, _ answer: SessionDescription, _ accepted: [Int]) -> Finding {
        var names: Set<Substring> = []
        for index in accepted {
            let streams = answer.media[index].attributes.all("msid").compactMap { $0.split(separator: " ").first }
            guard !streams.isEmpty else { return Finding(row, .failed, "\(answer.media[index].media) has no msid") }
            names.formUnion(streams)
        }
        return Finding(row, names.count == 1 ? .passed : .failed, names.count == 1 ? "one" : "\(names.count) streams")
    }

    // MARK: Transport

    private func fingerprint(_ row: Row, _ answer: SessionDescription, _ accepted: [Int]) -> Finding {
        let own = answer.media[speaker(answer, accepted)].attributes.all("fingerprint")
        let all = own + answer.attributes.all("fingerprint")
        let strong = all.compactMap { Fingerprint(sdp: $0) }.first { $0.algorithm.isStrong }
        guard let strong else { return Finding(row, .failed, all.isEmpty ? "none" : "none that can be used") }
        return Finding(row, .passed, strong.algorithm.rawValue)
    }

    private func credentials(_ row: Row, _ answer: SessionDescription, _ accepted: [Int]) -> Finding {
        let index = speaker(answer, accepted)
        guard let name = answer.inherited("ice-ufrag", inMediaSection: index),
            let password = answer.inherited("ice-pwd", inMediaSection: index)
        else { return Finding(row, .failed, "not both") }
        let lengths = "\(name.utf8.count) and \(password.utf8.count) characters"
        let isValid = (4...256).contains(name.utf8.count) && (22...256).contains(password.utf8.count)
        return Finding(row, isValid ? .passed : .failed, lengths)
    }

    private func candidates(_ row: Row, _ answer: SessionDescription, _ accepted: [Int]) -> Finding {
        let own = answer.media[speaker(answer, accepted)].attributes.all("candidate")
        let values = own.isEmpty ? answer.media.flatMap { $0.attributes.all("candidate") } : own
        let candidates = values.compactMap { try? ICECandidate(parsing: $0) }
        guard candidates.count == values.count else {
            return Finding(row, .failed, "\(values.count - candidates.count) of \(values.count) cannot be read")
        }
        // A server that can be reached has an address or a name in the DNS; multicast DNS is for one's own network.
        let usable = candidates.filter { $0.address != nil || !$0.host.hasSuffix(".local") && $0.port != 0 }
        guard !usable.isEmpty else { return Finding(row, .failed, values.isEmpty ? "none" : "none that can be used") }
        return Finding(row, .passed, "\(usable.count)")
    }

    private func lite(_ row: Row, _ answer: SessionDescription) -> Finding {
        if answer.media.contains(where: { $0.attributes.contains("ice-lite") }) {
            return Finding(row, .failed, "in a media section")
        }
        return answer.attributes.contains("ice-lite")
            ? Finding(row, .passed, "of the session") : Finding(row, .skipped, "a full agent")
    }

    private func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : Quoted.line(names.joined(separator: ", "))
    }
}
