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
        do throws(SettingsError) {
            let loaded = try options.read()
            findings.append(Finding("configuration", .ok, "every setting can be used"))
            findings += loaded.warnings.map { Finding("configuration", .warning, $0) }
            findings += await Examination(settings: loaded.settings).findings()
        } catch {
            findings += error.problems.map { Finding("configuration", .failed, $0) }
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
    /// What was found; the cause, where something is wrong.
    var detail: String
    /// What to do about it; `nil` where there is nothing to do.
    var cure: String?

    init(_ check: String, _ verdict: Verdict, _ detail: String, cure: String? = nil) {
        self.check = check
        self.verdict = verdict
        self.detail = detail
        self.cure = cure
    }

    init(_ check: String, _ verdict: Verdict, _ problem: SettingsProblem) {
        self.init(check, verdict, problem.cause, cure: problem.cure)
    }

    init(_ check: String, _ trouble: PortTrouble) {
        self.init(check, .failed, trouble.cause, cure: trouble.cure)
    }

    var line: String {
        let mark =
            switch verdict {
            case .ok: "ok     "
            case .warning: "warning"
            case .failed: "FAILED "
            }
        return "\(mark)  \(check): \(detail)" + (cure.map { "; \($0)" } ?? "")
    }

    var json: String {
        let cure = cure.map { ",\"cure\":\(JSONText.quote($0))" } ?? ""
        return """
            {"check":\(JSONText.quote(check)),"verdict":"\(verdict.rawValue)","detail":\(JSONText.quote(detail))\(cure)}
            """
    }
}
