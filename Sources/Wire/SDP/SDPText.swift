extension StringProtocol {
    /// The runs between spaces, at most `maximum` of them; the last keeps what follows.
    ///
    /// Works on UTF-8 bytes: `Character` would take a space and a combining mark behind it for one thing.
    func sdpFields(maximum: Int = .max) -> [Substring] {
        sdpSplit(at: UInt8(ascii: " "), maximum: maximum).filter { !$0.isEmpty }
    }

    /// The parts between `separator` bytes (ASCII), empty ones included, at most `maximum` of them.
    func sdpSplit(at separator: UInt8, maximum: Int = .max) -> [Substring] {
        Substring(self).utf8
            .split(separator: separator, maxSplits: maximum - 1, omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    /// Without the spaces at both ends.
    func sdpTrimmed() -> Substring {
        var bytes = Substring(self).utf8
        while bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        return Substring(bytes)
    }

    /// The unsigned number that is all of the text, digits only; `nil` when there is none or it does not fit.
    func sdpNumber<Integer: FixedWidthInteger>(as type: Integer.Type = Integer.self) -> Integer? {
        guard !isEmpty, utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Integer(self)
    }
}
