/// What becomes one RTP packet, or one run of fragments, of an access unit.
enum NALUnitGroup {
    /// A unit that is a payload by itself.
    case single(ArraySlice<UInt8>)
    /// Two or more units that share a payload.
    case aggregate([ArraySlice<UInt8>])
    /// A unit that no payload can hold.
    case fragments(ArraySlice<UInt8>)

    /// Puts `units` into as few payloads as their order allows.
    ///
    /// No payload exceeds `maximum` bytes. An aggregate begins with `headerSize` bytes, and each unit in it also costs
    /// a 16-bit length.
    static func groups(_ units: [ArraySlice<UInt8>], maximum: Int, headerSize: Int) -> [NALUnitGroup] {
        var groups: [NALUnitGroup] = []
        var pending: [ArraySlice<UInt8>] = []
        var pendingSize = headerSize

        func flush() {
            if pending.count > 1 {
                groups.append(.aggregate(pending))
            } else if let unit = pending.first {
                groups.append(.single(unit))
            }
            pending.removeAll(keepingCapacity: true)
            pendingSize = headerSize
        }

        for unit in units {
            if unit.count > maximum {
                flush()
                groups.append(.fragments(unit))
                continue
            }
            if pendingSize + 2 + unit.count > maximum { flush() }
            pending.append(unit)
            pendingSize += 2 + unit.count
        }
        flush()
        return groups
    }
}

extension [UInt8] {
    /// Appends the 16-bit length and the bytes of `unit`, as aggregates hold them.
    mutating func appendAggregated(_ unit: ArraySlice<UInt8>) {
        append(UInt8(truncatingIfNeeded: unit.count >> 8))
        append(UInt8(truncatingIfNeeded: unit.count))
        append(contentsOf: unit)
    }
}
