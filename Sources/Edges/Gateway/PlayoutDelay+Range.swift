import RTP

extension PlayoutDelay {
    /// Both ends in the steps of 10 ms of the header extension; what does not fit is its greatest value, 40.95 s.
    init(_ range: ClosedRange<Duration>) {
        func steps(_ duration: Duration) -> UInt16 {
            UInt16(min(max(duration / .milliseconds(10), 0), 4_095).rounded())
        }
        self.init(minimum: steps(range.lowerBound), maximum: steps(range.upperBound))
    }
}
