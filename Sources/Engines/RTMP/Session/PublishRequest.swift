package import Primitives

/// What a publisher asks for, wherever in its URL it has put it.
package struct PublishRequest: Hashable, Sendable {
    /// The application, without a query; `live` for all that is accepted.
    package var app: String
    /// The stream key without its query.
    package var streamName: StreamName
    /// The query's parameters, such as `token` and `key`; those behind the stream key win.
    package var parameters: [String: Secret]
    /// The URL as the encoder gives it, without its query.
    package var tcURL: String

    package init(app: String, streamName: StreamName, parameters: [String: Secret], tcURL: String) {
        self.app = app
        self.streamName = streamName
        self.parameters = parameters
        self.tcURL = tcURL
    }
}

/// Why an address cannot be published to, in words for the encoder's log.
package struct AddressRefusal: Error, Equatable, Sendable {
    package var description: String
}

extension PublishRequest {
    /// The only application there is.
    static let application = "live"
    private static let maximumParameters = 16

    /// Puts together what an encoder spread over `connect` and `publish`.
    ///
    /// Encoders split `rtmp://host/live/cam?token=x` differently: OBS sends what stands in its two
    /// fields, ffmpeg cuts after the application, others send the whole path as application and an
    /// empty name. The query may stand behind the application, the URL or the stream key.
    ///
    /// - Throws: ``AddressRefusal`` when the result is not `live/` and a valid stream name.
    package init(app: String, tcURL: String, playpath: String) throws(AddressRefusal) {
        let (appPath, appQuery) = Self.splitQuery(app)
        let (urlPath, urlQuery) = Self.splitQuery(tcURL)
        let (keyPath, keyQuery) = Self.splitQuery(playpath)
        let parts = (appPath.split(separator: "/") + keyPath.split(separator: "/")).map(String.init)
        guard parts.first == Self.application, parts.count == 2 else {
            throw AddressRefusal(description: "publish to rtmp://<host>/live/<stream>")
        }
        guard let name = StreamName(parts[1]) else {
            throw AddressRefusal(
                description: "a stream name has 1 to 128 of A-Z a-z 0-9 . _ - and does not start with a dot"
            )
        }
        self.app = Self.application
        streamName = name
        self.tcURL = String(urlPath)
        parameters = [:]
        for query in [keyQuery, appQuery, urlQuery] { addParameters(of: query) }
    }

    private static func splitQuery(_ text: String) -> (path: Substring, query: Substring) {
        guard let mark = text.firstIndex(of: "?") else { return (text[...], "") }
        return (text[..<mark], text[text.index(after: mark)...])
    }

    /// Adds the parameters of `query` that are not there yet.
    private mutating func addParameters(of query: Substring) {
        for pair in query.split(separator: "&") {
            guard parameters.count < Self.maximumParameters else { return }
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let name = Self.decodePercent(halves[0]), let value = Self.decodePercent(halves[1])
            else { continue }
            if parameters[name] == nil { parameters[name] = Secret(value) }
        }
    }

    /// Undoes percent-encoding (RFC 3986, section 2.1); `nil` when it is broken.
    private static func decodePercent(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                let highDigit = Character(UnicodeScalar(high)).hexDigitValue,
                let lowDigit = Character(UnicodeScalar(low)).hexDigitValue
            else { return nil }
            bytes.append(UInt8(highDigit << 4 | lowDigit))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
