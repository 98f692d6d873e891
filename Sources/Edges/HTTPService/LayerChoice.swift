import Foundation
import Gateway

/// What a viewer says about the layer that it wants.
struct LayerChoice: Equatable {
    /// The place of the media section in the offer; `nil` for the first with layers.
    var section: Int?
    /// The publisher's name for the layer; `nil` for the gateway's own choice.
    var layer: String?
    /// How much of a stream with layers inside is wanted.
    var numbers: LayerNumbers

    /// Reads the body of a request.
    ///
    /// Players in the field write the place of the section as a number or as text, and the name of the layer as `rid` or, after
    /// an older draft, as `encodingId`.
    ///
    /// - Throws: ``Problem/malformedLayerChoice``, or ``Problem/unsupportedLayerConstraint`` for sizes, which would
    ///   otherwise be taken for no constraint.
    init(parsing body: [UInt8]) throws(Problem) {
        guard let object = try? JSONDecoder().decode(Object.self, from: Data(body)) else { throw .malformedLayerChoice }
        guard object.maxWidth == nil, object.maxHeight == nil else { throw .unsupportedLayerConstraint }
        guard object.numbers.all.allSatisfy({ $0 >= 0 }) else { throw .malformedLayerChoice }
        switch object.mediaId {
        case .number(let number): section = number
        case .text(let text):
            guard let number = Int(text) else { throw .malformedLayerChoice }
            section = number
        case nil: section = nil
        }
        layer = object.rid ?? object.encodingId
        numbers = object.numbers
    }

    private enum Place: Decodable {
        case number(Int)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    private struct Object: Decodable {
        var mediaId: Place?
        var rid: String?
        var encodingId: String?
        var spatialLayerId: Int?
        var temporalLayerId: Int?
        var maxSpatialLayerId: Int?
        var maxTemporalLayerId: Int?
        var maxWidth: Int?
        var maxHeight: Int?

        var numbers: LayerNumbers {
            LayerNumbers(
                spatial: spatialLayerId, temporal: temporalLayerId, maximumSpatial: maxSpatialLayerId,
                maximumTemporal: maxTemporalLayerId)
        }
    }
}
