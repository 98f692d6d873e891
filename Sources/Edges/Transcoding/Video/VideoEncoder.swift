package import Media

/// What a video encoder is opened with.
package struct VideoEncoderSettings: Hashable, Sendable {
    /// H.264 or VP8: what browsers take from us.
    package var codec: Codec
    /// Even numbers of pixels.
    package var width: Int
    package var height: Int
    /// Bits per second.
    package var bitrate: Int

    package init(codec: Codec, width: Int, height: Int, bitrate: Int) {
        self.codec = codec
        self.width = width
        self.height = height
        self.bitrate = bitrate
    }

    /// A bitrate at which live pictures of this size look good (bits per second).
    ///
    /// Grows a little slower than the number of pixels: 0.4 Mbit/s at 240p, 1.2 at 480p, 2.5 at 720p, 4.8 at 1080p.
    package static func defaultBitrate(width: Int, height: Int) -> Int {
        switch width * height {
        case ..<120_000: 400_000
        case ..<300_000: 800_000
        case ..<600_000: 1_200_000
        case ..<1_200_000: 2_500_000
        case ..<2_500_000: 4_800_000
        default: 9_000_000
        }
    }
}

/// Makes an encoded track of pictures, for viewers who cannot take what the publisher sends.
///
/// An implementation reorders nothing, holds nothing back, and makes key frames only when it is asked to, so that all
/// renditions of a stream have theirs at the same times. It belongs to one thread.
protocol VideoEncoder: AnyObject {
    /// What decoders must know before the first frame.
    var configuration: CodecConfiguration { get }

    /// Encodes the next picture, which has the encoder's size and format and a later time than the one before.
    ///
    /// - Returns: The frame with the picture's time; `nil` when the encoder leaves the picture out.
    func encode(_ picture: DecodedPicture, asKeyFrame: Bool) throws(TranscodingError) -> EncodedFrame?
}

/// The encoders that can be had for a codec, by the names of libavcodec.
package enum VideoEncoderBackend {
    /// Software first, as it is what is tested; hardware only when it is asked for by name.
    ///
    /// libx264 makes a program that contains it subject to the GPL; OpenH264, NVENC and VAAPI can take its place.
    package static let h264: [String] = ["libx264", "libopenh264", "h264_nvenc", "h264_vaapi"]
    package static let vp8: [String] = ["libvpx"]

    /// The encoders for a codec that this machine has, the best first; there are none for others than H.264 and VP8.
    ///
    /// `preferred` is one of ``h264``, and then the only one for H.264, or `auto`.
    package static func available(for codec: Codec, preferring preferred: String = "auto") -> [String] {
        let known: [String] =
            switch codec {
            case .h264: preferred == "auto" ? h264 : [preferred]
            case .vp8: vp8
            default: []
            }
        return known.filter { LibavcodecVideoEncoder.isAvailable($0) && cardProblem($0) == nil }
    }

    /// Why a graphics card cannot encode, found out once; `nil` also for encoders that need none.
    private static func cardProblem(_ name: String) -> TranscodingError? {
        switch name {
        case "h264_nvenc": nvencProblem
        case "h264_vaapi": vaapiProblem
        default: nil
        }
    }

    private static let nvencProblem = trial("h264_nvenc")
    private static let vaapiProblem = trial("h264_vaapi")

    /// Encodes one small picture, as the only proof that a graphics card is there and has an encoder: a libavcodec that knows of one
    /// does not mean that.
    ///
    /// Takes some milliseconds, up to half a second where a driver has to be woken.
    ///
    /// - Parameter name: One of ``h264`` or ``vp8``.
    /// - Returns: Why it does not work; `nil` when it does.
    package static func trial(_ name: String) -> TranscodingError? {
        do throws(TranscodingError) {
            let settings = VideoEncoderSettings(
                codec: vp8.contains(name) ? .vp8 : .h264, width: 320, height: 180, bitrate: 500_000)
            let encoder = try LibavcodecVideoEncoder(name, settings)
            guard let picture = DecodedPicture(Picture(width: 320, height: 180), time: 0) else {
                return .openFailed(codec: name, code: -1)
            }
            let frame = try encoder.encode(picture, asKeyFrame: true)
            return frame?.isKeyFrame == true ? nil : .codingFailed(codec: name, code: 0)
        } catch {
            return error
        }
    }

    /// Opens an encoder.
    ///
    /// - Throws: ``TranscodingError/codecUnavailable(name:)`` where the machine has none, otherwise what the last one
    ///   that could be tried said.
    static func open(
        _ settings: VideoEncoderSettings,
        like picture: DecodedPicture?,
        preferring preferred: String
    ) throws(TranscodingError) -> any VideoEncoder {
        let name = preferred == "auto" || settings.codec != .h264 ? settings.codec.rawValue : preferred
        var failure = TranscodingError.codecUnavailable(name: "\(name) encoder")
        for name in available(for: settings.codec, preferring: preferred) {
            do throws(TranscodingError) {
                return try LibavcodecVideoEncoder(name, settings, like: picture)
            } catch {
                failure = error
            }
        }
        throw failure
    }
}
