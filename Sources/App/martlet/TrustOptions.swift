import ArgumentParser
import TransportSecurity

/// Whose certificates a command takes that is a client of a server.
struct TrustOptions: ParsableArguments {
    @Flag(help: "Take any certificate, such as one that the server has made for itself.")
    var insecure = false

    @Option(help: ArgumentHelp("Take certificates that lead to one in this file (PEM).", valueName: "file"))
    var ca: String?

    func validate() throws {
        guard ca == nil || !insecure else { throw ValidationError("Give either --insecure or --ca.") }
    }

    /// - Throws: ``CommandFailure`` when the file of authorities is none.
    func trust() throws(CommandFailure) -> ServerTrust {
        guard !insecure else { return .anyone }
        guard let ca else { return .system }
        let trust = ServerTrust.authority(path: ca)
        do throws(ServerTrustError) {
            _ = try trust.configuration()
        } catch {
            throw CommandFailure("--ca: \(error)")
        }
        return trust
    }
}
