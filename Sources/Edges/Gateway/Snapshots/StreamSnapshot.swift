/// A still picture of a stream.
package struct StreamSnapshot: Sendable, Equatable {
    /// A JPEG file.
    package var jpeg: [UInt8]
    /// Names this picture in this size, and no other one of the stream; letters, digits and `-`.
    package var tag: String

    package init(jpeg: [UInt8], tag: String) {
        self.jpeg = jpeg
        self.tag = tag
    }
}
