/// What this program is.
package enum BuildInformation {
    package static let name = "martlet"
    /// Semantic version of the next or newest release.
    package static let version = "0.1.0"
}
