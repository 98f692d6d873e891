/// Why a certificate cannot be shown.
package struct TLSProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting that is wrong.
    package enum Setting: String, Sendable {
        case certificate = "http.tls.certificate"
        case key = "http.tls.key"
    }

    package var setting: Setting
    /// What is wrong, in plain words; never what is in a file.
    package var reason: String
    /// What to do about it.
    package var cure: String

    init(_ setting: Setting, _ reason: String, cure: String) {
        self.setting = setting
        self.reason = reason
        self.cure = cure
    }

    package var description: String { "\(setting.rawValue): \(reason); \(cure)" }
}
