/// The room that a picture has to fit into, in pixels; a side that is `nil` is open.
package struct PictureBox: Hashable, Sendable {
    package var width: Int?
    package var height: Int?

    package init(width: Int? = nil, height: Int? = nil) {
        self.width = width
        self.height = height
    }

    /// The largest size that fits, keeps the shape of a picture and is no larger than it; both sides even, 2 or more.
    package func size(ofPicture picture: (width: Int, height: Int)) -> (width: Int, height: Int) {
        guard picture.width > 0, picture.height > 0 else { return (2, 2) }
        let width = min(max(width ?? picture.width, 2), picture.width)
        let height = min(max(height ?? picture.height, 2), picture.height)
        // The side that is the tighter one in this shape sets the scale.
        let isTightByWidth = width * picture.height <= height * picture.width
        let (target, side) = isTightByWidth ? (width, picture.width) : (height, picture.height)
        func scaled(_ length: Int) -> Int { max(2, (length * target / side) & ~1) }
        return (scaled(picture.width), scaled(picture.height))
    }
}
