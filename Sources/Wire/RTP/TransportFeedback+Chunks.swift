import Primitives

/// The packet status chunks of transport feedback: 16 bits each, a run length or a vector (TWCC draft §3.1.3, §3.1.4).
enum StatusChunk {
    /// What became of one packet, as its two bits on the wire.
    enum Symbol: UInt16 {
        case notReceived = 0
        /// Received; its delta takes one byte.
        case smallDelta = 1
        /// Received; its delta takes two bytes, signed.
        case largeDelta = 2
    }

    /// A received packet: how many numbers after the base it lies, and the width of its delta.
    struct Received {
        var offset: Int
        var isLarge: Bool
    }

    private static let longestRun = 0x1FFF
    private static let oneBitSymbols = 14
    private static let twoBitSymbols = 7

    /// Reads chunks until `count` packets are accounted for.
    ///
    /// - Returns: The received packets in order. Their deltas must follow in the packet, so a run that claims more than
    ///   the bytes left cannot be true and is refused before it takes memory.
    static func received(count: Int, from reader: inout ByteReader) throws(ParseError) -> [Received] {
        var received: [Received] = []
        var offset = 0
        while offset < count {
            let chunk: UInt16 = try reader.readInteger()
            if chunk & 0x8000 == 0 {
                let run = min(Int(chunk & 0x1FFF), count - offset)
                // A run of nothing would let a packet spin for as long as it has chunks, to no end.
                guard run > 0 else { throw .invalid(field: "TWCC run length") }
                let symbol = try symbol(chunk >> 13 & 3)
                if symbol != .notReceived {
                    let deltas = received.count + run
                    guard deltas <= reader.remaining else {
                        throw .truncated(needed: deltas, available: reader.remaining, offset: reader.offset)
                    }
                    for index in offset..<(offset + run) {
                        received.append(Received(offset: index, isLarge: symbol == .largeDelta))
                    }
                }
                offset += run
            } else if chunk & 0x4000 == 0 {
                for index in 0..<min(oneBitSymbols, count - offset) where chunk & (0x2000 >> UInt16(index)) != 0 {
                    received.append(Received(offset: offset + index, isLarge: false))
                }
                offset += oneBitSymbols
            } else {
                for index in 0..<min(twoBitSymbols, count - offset) {
                    let symbol = try symbol(chunk >> UInt16(12 - 2 * index) & 3)
                    guard symbol != .notReceived else { continue }
                    received.append(Received(offset: offset + index, isLarge: symbol == .largeDelta))
                }
                offset += twoBitSymbols
            }
        }
        return received
    }

    private static func symbol(_ bits: UInt16) throws(ParseError) -> Symbol {
        guard let symbol = Symbol(rawValue: bits) else { throw .invalid(field: "TWCC status symbol") }
        return symbol
    }

    /// Writes `symbols` in chunks: a run where one is longer than a vector, else the widest vector that holds them.
    static func write(_ symbols: [Symbol], to writer: inout ByteWriter) {
        var index = 0
        while index < symbols.count {
            let first = symbols[index]
            var run = 1
            while run < longestRun, index + run < symbols.count, symbols[index + run] == first { run += 1 }
            let vector = symbols[index..<min(index + oneBitSymbols, symbols.count)]
            if run >= vector.count {
                writer.write(first.rawValue << 13 | UInt16(truncatingIfNeeded: run))
                index += run
            } else if vector.allSatisfy({ $0 != .largeDelta }) {
                var chunk: UInt16 = 0x8000
                for (position, symbol) in vector.enumerated() where symbol == .smallDelta {
                    chunk |= 0x2000 >> UInt16(position)
                }
                writer.write(chunk)
                index += vector.count
            } else if run >= twoBitSymbols {
                writer.write(first.rawValue << 13 | UInt16(truncatingIfNeeded: run))
                index += run
            } else {
                var chunk: UInt16 = 0xC000
                for (position, symbol) in vector.prefix(twoBitSymbols).enumerated() {
                    chunk |= symbol.rawValue << UInt16(12 - 2 * position)
                }
                writer.write(chunk)
                index += min(twoBitSymbols, vector.count)
            }
        }
    }
}
