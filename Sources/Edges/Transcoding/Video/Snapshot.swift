package import Media

/// Still pictures of streams.
package enum Snapshot {
    /// Makes a JPEG file of a key frame: some 10 to 150 ms of work for the calling thread.
    ///
    /// - Parameters:
    ///   - frame: A key frame, which nobody has checked.
    ///   - configuration: How it is encoded.
    ///   - box: The room that the picture has to fit into; it is never made larger.
    /// - Returns: The bytes of the file.
    /// - Throws: ``TranscodingError`` when there is no decoder, or the frame cannot be decoded whole.
    package static func jpeg(
        of frame: EncodedFrame, _ configuration: CodecConfiguration, within box: PictureBox
    ) throws(TranscodingError) -> [UInt8] {
        var decoder = try VideoDecoder(configuration)
        var pictures = try decoder.decode(frame)
        // Where pictures change places, even a key frame is held back.
        pictures += decoder.finish()
        // Of layers inside a frame, the largest comes last.
        guard let picture = pictures.last else { throw .codingFailed(codec: decoder.codec.rawValue, code: -1) }
        return try JPEGEncoder.encode(picture, within: box)
    }
}
