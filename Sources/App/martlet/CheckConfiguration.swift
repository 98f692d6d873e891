import ArgumentParser
import GatewayConfiguration

struct CheckConfiguration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say what is wrong with a configuration file, line by line.")

    @Argument(help: "The YAML file.")
    var file: String

    func run() async throws {
        do throws(SettingsError) {
            let file = try SettingsFile(contentsOf: file)
            _ = try SettingsLoader(file: file).load()
            let count = file.entries.values.count { !$0.text.isEmpty }
            Terminal.say("\(self.file): ok, \(count) \(count == 1 ? "setting" : "settings")")
        } catch {
            throw CommandFailure(error.description)
        }
    }
}
