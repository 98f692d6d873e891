import ArgumentParser
import Auth
import GatewayConfiguration
import Glibc
import HTTPService
import MediaIO
import Primitives
import RTMPService
import Telemetry
import Transcoding

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what the gateway needs: each thing is ok, or has a cause and a cure.",
        discussion: "Run it while the gateway is stopped: it opens the same ports.")

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        var findings: [Finding] = []
        do {
            let loaded = try options.load()
            findings.append(Finding("configuration", .ok, "every setting can be used"))
            findings += loaded.warnings.map { Finding("configuration", .warning, $0.description) }
            findings += await Examination(settings: loaded.settings).findings()
        } catch {
            findings.append(Finding("configuration", .failed, error.description))
        }
        if json {
            let list = findings.map(\.json).joined(separator: ",")
            let isOK = !findings.contains { $0.verdict == .failed }
            Terminal.say("{\"ok\":\(isOK),\"checks\":[\(list)]}")
        } else {
            for finding in findings { Terminal.say(finding.line) }
        }
        if findings.contains(where: { $0.verdict == .failed }) { throw ExitCode.failure }
    }
}

/// One thing that was looked at.
struct Finding {
    enum Verdict: String {
        case ok
        case warning
        case failed
    }

    var check: String
    var verdict: Verdict
    /// What was found, and the cure where one is needed.
    var detail: String

    init(_ check: String, _ verdict: Verdict, _ detail: String) {
        self.check = check
        self.verdict = verdict
        self.detail = detail
    }

    var line: String {
        let mark =
            switch verdict {
            case .ok: "ok     "
            case .warning: "warning"
            case .failed: "FAILED "
            }
        return "\(mark)  \(check): \(detail)"
    }

    var json: String {
        """
        {"check":\(JSONText.quote(check)),"verdict":"\(verdict.rawValue)","detail":\(JSONText.quote(detail))}
        """
    }
}
