import MediaIO
package import Primitives

/// Services that read every size in which a publisher sends its picture.
extension Gateway {
    /// Has all layers of a stream's picture made into frames, until ``release(_:)``.
    ///
    /// The highest of them is what the stream's own lane shows; its own lane here stays empty until another one has been
    /// the highest.
    ///
    /// - Parameter name: A stream.
    /// - Returns: The layers, each with a lane to attach a reader to, which are closed when the publisher's layers are
    ///   others; `nil` where a session with several layers does not publish it.
    package func layers(of name: StreamName) -> LayerHold? {
        guard let stream = streams[name], let layers = stream.readableLayers else { return nil }
        let names = layers.map(\.name)
        let lanes = stream.layerSlot.lanes.flatMap { $0.names == names ? $0 : nil } ?? LayerLanes(names: names)
        if stream.layerSlot.lanes !== lanes {
            stream.layerSlot.lanes?.close()
            stream.layerSlot.lanes = lanes
            streams[name]?.layerReaders = 0
        }
        streams[name]?.layerReaders += 1
        if streams[name]?.layerReaders == 1, let tap = stream.tap { openLayers(of: name, tap) }
        return LayerHold(stream: name, lanes: lanes)
    }

    /// Lets the layers of a stream go.
    package func release(_ hold: LayerHold) {
        guard streams[hold.stream]?.layerSlot.lanes === hold.lanes else { return }
        streams[hold.stream]?.layerReaders -= 1
        guard streams[hold.stream]?.layerReaders == 0 else { return }
        endLayers(of: hold.stream)
    }

    /// Has a tap that was just opened give all layers, if somebody reads them.
    func openLayers(of name: StreamName, _ tap: TapSpecification) {
        guard let stream = streams[name], let lanes = stream.layerSlot.lanes, let layers = stream.readableLayers else {
            return
        }
        lanes.open(layers.map(\.id), epoch: stream.lane.epoch)
        plane.setReadsAllLayers(true, of: tap)
    }

    /// Tells those who read layers that the present publisher has others, or none.
    func endOtherLayers(of name: StreamName) {
        guard let stream = streams[name], stream.publisher != nil, let lanes = stream.layerSlot.lanes,
            stream.readableLayers?.map(\.name) != lanes.names
        else { return }
        endLayers(of: name)
    }

    private func endLayers(of name: StreamName) {
        guard let stream = streams[name], let lanes = stream.layerSlot.lanes else { return }
        stream.layerSlot.lanes = nil
        streams[name]?.layerReaders = 0
        if let tap = stream.tap { plane.setReadsAllLayers(false, of: tap) }
        lanes.close()
    }
}

extension LiveStream {
    /// The sizes in which a session sends the picture, where there are several.
    var readableLayers: [Layer]? {
        guard case .session = publisher, let layers = picture?.layers, layers.count > 1 else { return nil }
        return layers
    }
}

/// A service's hold on the layers of a stream.
package struct LayerHold: Sendable {
    package let stream: StreamName
    let lanes: LayerLanes

    /// A lane for each layer, in the publisher's order.
    package var layers: [FrameLane] { lanes.lanes }
}
