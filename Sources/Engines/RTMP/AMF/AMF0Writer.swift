package import Primitives

extension ByteWriter {
    /// Writes one value as AMF0, marker first.
    package mutating func writeAMF0(_ value: AMF0Value) {
        switch value {
        case .number(let number):
            write(AMF0Marker.number)
            write(number.bitPattern)
        case .boolean(let flag):
            write(AMF0Marker.boolean)
            write(flag ? UInt8(1) : 0)
        case .string(let text): writeAMF0String(text)
        case .null: write(AMF0Marker.null)
        case .undefined: write(AMF0Marker.undefined)
        case .object(let object):
            write(AMF0Marker.object)
            writeAMF0Members(object)
        case .ecmaArray(let object):
            write(AMF0Marker.ecmaArray)
            write(UInt32(truncatingIfNeeded: object.properties.count))
            writeAMF0Members(object)
        case .strictArray(let elements):
            write(AMF0Marker.strictArray)
            write(UInt32(truncatingIfNeeded: elements.count))
            for element in elements { writeAMF0(element) }
        case .date(let milliseconds):
            write(AMF0Marker.date)
            write(milliseconds.bitPattern)
            write(UInt16(0))
        }
    }

    /// Writes several values one after the other, as the body of a command.
    package mutating func writeAMF0(_ values: [AMF0Value]) {
        for value in values { writeAMF0(value) }
    }

    private mutating func writeAMF0String(_ text: String) {
        let length = text.utf8.count
        if length <= Int(UInt16.max) {
            write(AMF0Marker.string)
            write(UInt16(length))
        } else {
            write(AMF0Marker.longString)
            write(UInt32(truncatingIfNeeded: length))
        }
        write(utf8: text)
    }

    private mutating func writeAMF0Members(_ object: AMF0Object) {
        for property in object.properties {
            // A name has 16 bits of length; ours are constants, far shorter.
            let name = Array(property.name.utf8.prefix(Int(UInt16.max)))
            write(UInt16(name.count))
            write(name)
            writeAMF0(property.value)
        }
        write(UInt16(0))
        write(AMF0Marker.objectEnd)
    }
}
