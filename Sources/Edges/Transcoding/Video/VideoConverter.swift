import CFFmpeg
package import Media

/// Decodes a track once and encodes it in several renditions, in the thread of the caller.
///
/// Times are kept: the pictures of all renditions are those of the publisher, in the order in which they are shown.
/// Key frames fall on the same pictures in all of them, which are those of the publisher's key frames, and more where
/// it sends them rarely or somebody asks.
package struct VideoConverter: ~Copyable {
    /// What comes out.
    package enum Output: Sendable {
        /// How a rendition is encoded from its next frame on.
        case configured(CodecConfiguration)
        case frame(EncodedFrame)
    }

    /// What has happened so far.
    package struct Statistics: Hashable, Sendable {
        package var decoded: UInt64 = 0
        /// Pictures encoded, each counted once however many renditions there are.
        package var encoded: UInt64 = 0
        /// Pictures decoded and left out because there was no time to encode them.
        package var skipped: UInt64 = 0
        /// Frames that the decoder refused, and those that were of no use after them.
        package var undecodable: UInt64 = 0
        /// Why no picture can be made at present.
        package var failure: TranscodingError?

        package init() {}
    }

    /// A viewer who joins waits no longer for a key frame (microseconds).
    package static let maximumKeyFrameInterval: Int64 = 4_000_000
    /// Key frames asked for are no closer together (microseconds).
    package static let minimumKeyFrameInterval: Int64 = 400_000

    /// One rendition and what it is made with, opened with the first picture and again when the size changes.
    private struct Branch {
        var rendition: VideoRendition
        let scaler = PictureScaler()
        var encoder: (any VideoEncoder)?
        var size: (width: Int, height: Int)?
        /// Of the publisher's pictures, when the encoder was opened.
        var sourceSize: (width: Int, height: Int)?
    }

    package private(set) var statistics = Statistics()
    private let encoderName: String
    private var branches: [Branch]
    private var decoder: VideoDecoder?
    private var needsKeyFrame = true
    private var isKeyFrameWanted = true
    private var lastTime = Int64.min
    private var lastKeyFrame = Int64.min

    /// - Parameters:
    ///   - renditions: At least one.
    ///   - encoder: A name of ``VideoEncoderBackend/h264``, or `auto`.
    package init(renditions: [VideoRendition], encoder: String = "auto") {
        precondition(!renditions.isEmpty, "a converter makes something")
        branches = renditions.map { Branch(rendition: $0) }
        encoderName = encoder
    }

    /// Whether the decoder has lost its thread and only a key frame can bring it back.
    package var waitsForKeyFrame: Bool { needsKeyFrame }

    /// Says how the track is encoded from the next frame on; gives the pictures held back so far.
    ///
    /// Must be called before the first frame. A configuration that cannot be decoded shows in ``statistics``.
    package mutating func configure(
        _ configuration: CodecConfiguration,
        output: (Int, Output) -> Void
    ) {
        finish(output: output)
        needsKeyFrame = true
        do throws(TranscodingError) {
            decoder = try VideoDecoder(configuration)
            statistics.failure = nil
        } catch {
            decoder = nil
            statistics.failure = error
        }
    }

    /// Takes the next frame in decoding order, and gives what has become of those so far.
    ///
    /// - Parameters:
    ///   - frame: Of the codec that was last configured; others are counted and ignored.
    ///   - isLate: There is no time: pictures are decoded, because others need them, but not encoded.
    ///   - output: Receives the number of a rendition and what it gets, in order.
    package mutating func convert(
        _ frame: EncodedFrame,
        isLate: Bool = false,
        output: (Int, Output) -> Void
    ) {
        guard !needsKeyFrame || frame.isKeyFrame else {
            statistics.undecodable &+= 1
            return
        }
        var pictures: [DecodedPicture]? = nil
        do throws(TranscodingError) {
            pictures = try decoder?.decode(frame)
        } catch {
            // What libavcodec makes of the next frames would be smeared pictures.
            decoder?.reset()
        }
        guard let pictures else {
            statistics.undecodable &+= 1
            needsKeyFrame = true
            return
        }
        needsKeyFrame = false
        for picture in pictures { encode(picture, isLate: isLate, output: output) }
    }

    /// Gives the pictures that are still held back; the next frame must be a key frame.
    package mutating func finish(output: (Int, Output) -> Void) {
        let pictures = decoder?.finish() ?? []
        for picture in pictures { encode(picture, isLate: false, output: output) }
        needsKeyFrame = true
    }

    /// Media time counts anew: forgets what came before, and says again how renditions are encoded.
    package mutating func restart() {
        decoder?.reset()
        for index in branches.indices { branches[index].encoder = nil }
        needsKeyFrame = true
        isKeyFrameWanted = true
        lastTime = .min
        lastKeyFrame = .min
    }

    /// Makes the next picture a key frame, unless the last one is hardly older.
    package mutating func requestKeyFrame() {
        isKeyFrameWanted = true
    }

    private mutating func encode(_ picture: DecodedPicture, isLate: Bool, output: (Int, Output) -> Void) {
        statistics.decoded &+= 1
        // A decoder that learns late how far pictures change places gives some of them too late.
        guard picture.time > lastTime else { return }
        let isFirst = lastKeyFrame == .min
        let age = isFirst ? .max : picture.time - lastKeyFrame
        let isWanted = isKeyFrameWanted || picture.frame.pointee.key_frame != 0
        let isKeyFrame =
            isFirst || (isWanted && age >= Self.minimumKeyFrameInterval) || age >= Self.maximumKeyFrameInterval
        if isLate, !isKeyFrame || isFirst {
            // Whoever is only beginning begins with the present, and misses nothing.
            if !isFirst { statistics.skipped &+= 1 }
            return
        }
        lastTime = picture.time
        do throws(TranscodingError) {
            let hasChanged = try open(for: picture, output: output)
            try encode(picture, asKeyFrame: isKeyFrame || hasChanged, output: output)
            if isKeyFrame || hasChanged {
                lastKeyFrame = picture.time
                isKeyFrameWanted = false
            }
            statistics.encoded &+= 1
            statistics.failure = nil
        } catch {
            statistics.failure = error
            isKeyFrameWanted = true
        }
    }

    private mutating func encode(
        _ picture: DecodedPicture, asKeyFrame: Bool, output: (Int, Output) -> Void
    ) throws(TranscodingError) {
        // Renditions of the same size, in two codecs, share what was scaled.
        var scaled: [DecodedPicture] = []
        for (index, branch) in branches.enumerated() {
            guard let encoder = branch.encoder, let size = branch.size else { continue }
            var input = scaled.first { $0.width == size.width && $0.height == size.height }
            if input == nil {
                input = try branch.scaler.scale(picture, width: size.width, height: size.height)
            }
            guard let input else { continue }
            scaled.append(input)
            if let frame = try encoder.encode(input, asKeyFrame: asKeyFrame) { output(index, .frame(frame)) }
        }
    }

    /// Opens encoders for the picture's size where there is none; whether that was so.
    private mutating func open(
        for picture: DecodedPicture, output: (Int, Output) -> Void
    ) throws(TranscodingError) -> Bool {
        var hasChanged = false
        let source = (width: picture.width, height: picture.height)
        for index in branches.indices {
            if let known = branches[index].sourceSize, known == source, branches[index].encoder != nil { continue }
            let rendition = branches[index].rendition
            let size = PictureScaler.size(ofPicture: source, height: rendition.height)
            let bitrate =
                rendition.bitrate ?? VideoEncoderSettings.defaultBitrate(width: size.width, height: size.height)
            let encoder = try VideoEncoderBackend.open(
                VideoEncoderSettings(
                    codec: rendition.codec, width: size.width, height: size.height, bitrate: bitrate),
                like: picture,
                preferring: encoderName
            )
            branches[index].encoder = encoder
            branches[index].size = size
            branches[index].sourceSize = source
            hasChanged = true
            output(index, .configured(encoder.configuration))
        }
        return hasChanged
    }
}
