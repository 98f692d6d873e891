/// Which number each packet of a track has at one viewer, when the viewer is not sent all of them.
///
/// A list of pieces: inside one, the viewer's numbers are the track's plus a constant. Where packets are left out, the next
/// piece's constant is smaller by their number, so that the viewer sees no gap. Each number belongs to one packet for good:
/// no nonce is used twice, and what a viewer asks for again is found under the number it had.
///
/// What a packet becomes follows from its piece alone (see ``Piece/limit``), so that a packet sent again is the same. Only
/// the last ``capacity`` pieces are known. An older packet has no number any more: it is neither sent late nor again.
package struct SequenceMap: Sendable {
    /// Packets in a row that have their numbers by the same rule.
    package struct Piece: Equatable, Sendable {
        /// The lowest sequence number of the piece.
        package var start: Int64
        /// Added to the track's sequence numbers.
        package var offset: Int64
        /// What the viewer is sent here.
        package var limit: LayerLimit
        /// Added to the picture identifiers of VP8 here.
        package var pictures: VP8PictureShift
    }

    /// Pieces that are remembered behind the newest: two seconds of a stream with a picture left out of every second.
    package static let capacity = 128
    /// Pieces that are forgotten at once, so that it happens rarely.
    private static let forgotten = 32

    package private(set) var newest: Piece
    private var earlier: [Piece] = []

    /// A map of one piece, in which the packet `start` is called `number`.
    package init(start: Int64, number: Int64, limit: LayerLimit = .none, pictures: VP8PictureShift = .none) {
        newest = Piece(start: start, offset: number &- start, limit: limit, pictures: pictures)
    }

    /// Whether all packets are sent, and have been since the start.
    @inline(__always)
    package var isWhole: Bool { earlier.isEmpty && newest.limit == .none }

    /// Pieces held.
    package var count: Int { earlier.count + 1 }

    /// The piece of a packet; `nil` for one that was left out, or lies before what is remembered.
    package func piece(of sequence: Int64) -> Piece? {
        if sequence >= newest.start { return newest }
        var next = newest
        for piece in earlier.reversed() {
            if sequence >= piece.start { return sequence + piece.offset < next.start + next.offset ? piece : nil }
            next = piece
        }
        return nil
    }

    /// The packet that has this number; `nil` when none has, or when it is no longer remembered.
    ///
    /// Numbers behind the newest one that was used are answered too: who asks knows what was sent.
    package func sequence(of number: Int64) -> Int64? {
        if number >= newest.start + newest.offset { return number - newest.offset }
        for piece in earlier.reversed() where number >= piece.start + piece.offset { return number - piece.offset }
        return nil
    }

    /// Leaves packets out; those before them in the newest piece keep their numbers, and those behind them close the gap.
    ///
    /// - Parameter range: Behind all packets that were sent or left out so far.
    package mutating func leaveOut(_ range: ClosedRange<Int64>) {
        assert(range.lowerBound >= newest.start, "what lies behind has its numbers already")
        var piece = newest
        piece.start = range.upperBound + 1
        piece.offset -= Int64(range.count)
        begin(piece, isEmptyBefore: range.lowerBound)
    }

    /// From a packet on, the viewer is sent something else.
    ///
    /// - Parameters:
    ///   - limit: What it is sent.
    ///   - sequence: A packet behind all that were sent or left out so far.
    package mutating func change(to limit: LayerLimit, at sequence: Int64) {
        var piece = newest
        piece.start = sequence
        piece.limit = limit
        begin(piece, isEmptyBefore: sequence)
    }

    /// A picture was left out: the identifiers of those behind it close the gap.
    ///
    /// Called when nothing of the newest piece has been sent yet.
    package mutating func leaveOutPicture() {
        newest.pictures.pictureID &-= 1
    }

    /// `sequence` is where the newest piece ends; if that is its start, it never held anything.
    private mutating func begin(_ piece: Piece, isEmptyBefore sequence: Int64) {
        if sequence > newest.start {
            if earlier.count == Self.capacity { earlier.removeFirst(Self.forgotten) }
            earlier.append(newest)
        }
        newest = piece
    }
}
