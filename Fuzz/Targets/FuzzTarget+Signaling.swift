import Primitives
import Signaling

/// A frame of a signaling client, as text and as binary; what was read as JSON can be written and read again.
func fuzzSignaling(_ input: Span<UInt8>) {
    if let value = try? JSONReader.read(input) {
        let text = Array(value.text.utf8)
        precondition((try? JSONReader.read(text.span)) == value, "JSON that does not survive being written")
    }
    _ = try? ClientRequest(parsing: input)
    if let message = try? BinaryMessage(parsing: input) {
        precondition(message.payload.count <= input.count, "a payload out of nothing")
    }
    var session = SignalingSession(at: .zero)
    _ = session.receive(text: input, at: .zero)
    _ = session.receive(binary: input, at: .zero)
}
