import ArgumentParser
import Foundation
import GatewayConfiguration

/// Where the settings of a command come from.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("A YAML file with settings.", valueName: "file"))
    var config: String?

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp(
            "Any setting as an option: http.port is --http-port 8080, data.directory is --data-directory DIR.",
            discussion: "These win over the environment (MARTLET_HTTP_PORT), which wins over the file.",
            valueName: "setting"))
    var settings: [String] = []

    /// Reads everything.
    ///
    /// - Throws: ``CommandFailure`` with one line for each problem.
    func load() throws(CommandFailure) -> SettingsLoader.Loaded {
        do throws(SettingsError) {
            return try read()
        } catch {
            throw CommandFailure(error.description)
        }
    }

    /// The same, for whoever wants each problem by itself.
    func read() throws(SettingsError) -> SettingsLoader.Loaded {
        let file: SettingsFile?
        if let config { file = try SettingsFile(contentsOf: config) } else { file = nil }
        return try SettingsLoader(
            commandLine: CommandLineOverrides.parse(settings), environment: ProcessInfo.processInfo.environment,
            file: file
        ).load()
    }
}

extension SettingsFile {
    /// Reads a file.
    ///
    /// - Throws: ``SettingsError``, also when the file cannot be read.
    init(contentsOf path: String) throws(SettingsError) {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw SettingsError(problems: [
                SettingsProblem(
                    key: nil, source: .file(path: path, line: nil),
                    reason: exists ? "cannot be read as UTF-8 text" : "there is no such file",
                    cure: "give the path of a YAML file, like config/martlet.yaml")
            ])
        }
        try self.init(yaml: text, path: path)
    }
}
