/// Why a text is not a session description that we are willing to read.
///
/// Never holds text from the input, so that it may be shown and logged.
package enum SDPError: Error, Equatable, Sendable {
    /// More than ``SDPLimits/maximumBytes``.
    case tooLarge
    /// More than ``SDPLimits/maximumLines`` lines.
    case tooManyLines
    /// A line of more than ``SDPLimits/maximumLineBytes`` bytes; lines count from 1.
    case lineTooLong(line: Int)
    /// More than ``SDPLimits/maximumMediaSections`` `m=` lines.
    case tooManyMediaSections
    /// The text does not begin with `v=0`.
    case missingVersion
    /// A line that is not `<letter>=<value>`, or holds a NUL or a lone carriage return; lines count from 1.
    case malformedLine(line: Int)
    /// An `m=` line without media, port, protocol and formats, or with more than
    /// ``SDPLimits/maximumFormats`` formats; lines count from 1.
    case malformedMediaLine(line: Int)
    /// An `o=` line without its six fields; lines count from 1.
    case malformedOrigin(line: Int)
    /// Nothing after the version: the text ends before `o=`.
    case missingOrigin

    /// What is wrong, in plain words.
    package var detail: String {
        switch self {
        case .tooLarge: "it is longer than \(SDPLimits.maximumBytes) bytes"
        case .tooManyLines: "it has more than \(SDPLimits.maximumLines) lines"
        case .lineTooLong(let line): "line \(line) is longer than \(SDPLimits.maximumLineBytes) bytes"
        case .tooManyMediaSections: "it has more than \(SDPLimits.maximumMediaSections) media sections"
        case .missingVersion: "it does not begin with v=0"
        case .malformedLine(let line): "line \(line) is not of the form <letter>=<value>"
        case .malformedMediaLine(let line): "the media line (line \(line)) is not well formed"
        case .malformedOrigin(let line): "the origin line (line \(line)) is not well formed"
        case .missingOrigin: "it has no origin line"
        }
    }
}
