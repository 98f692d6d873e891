import ArgumentParser
import Telemetry

/// The program: each command in a file of its own.
@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: BuildInformation.name,
        abstract: "A WebRTC gateway: cameras and encoders in by RTMP or WHIP, browsers out in well under a second.",
        discussion: """
            Start with `martlet demo` and open the address it prints.

            Then run `martlet serve` and publish:

              ffmpeg -re -i video.mp4 -c:v libx264 -bf 0 -tune zerolatency \\
                -c:a aac -f flv rtmp://localhost/live/cam

            Watch at http://localhost:8080/play/cam.

            Every setting has a default, and config/martlet.yaml lists them all.
            """,
        version: BuildInformation.version,
        subcommands: [
            Serve.self, Demo.self, Publish.self, Play.self, CheckConfiguration.self, Doctor.self, Token.self,
            ConformanceCommand.self, LoadTestCommand.self,
        ])
}
