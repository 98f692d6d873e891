import Primitives
import Rooms
import Testing

@Suite("Tracks of participants")
struct TrackTests {
    private static func track(_ name: String, muted: Bool = false, metadata: String = "{}") throws -> RoomTrack {
        RoomTrack(
            name: try #require(TrackName(name)), kind: .video, source: .camera, metadata: metadata, isMuted: muted)
    }

    @Test func `the others are told of tracks that come, change and go`() throws {
        var harness = Harness()
        let ada = try harness.join()
        let ben = try harness.join()
        _ = harness.told(ada)
        let camera = try Self.track("camera")
        let muted = try Self.track("camera", muted: true)
        let screen = try Self.track("screen")
        try harness.directory.setTracks([camera], of: ada.participant)
        try harness.directory.setTracks([muted, screen], of: ada.participant)
        try harness.directory.setTracks([muted, screen], of: ada.participant)
        try harness.directory.setTracks([screen], of: ada.participant)
        #expect(
            harness.events(ben) == [
                .trackPublished(ada.participant, camera), .trackUpdated(ada.participant, muted),
                .trackPublished(ada.participant, screen), .trackUnpublished(ada.participant, camera.name),
            ])
        #expect(harness.events(ada).isEmpty)
        #expect(harness.snapshot?.participants.map(\.tracks) == [[screen], []])
    }

    @Test func `a participant has so many tracks and no more, of so many words`() throws {
        var harness = Harness()
        let ada = try harness.join()
        let most = try (0..<harness.limits.tracksPerParticipant).map { try Self.track("t\($0)") }
        try harness.directory.setTracks(most, of: ada.participant)
        let more = try most + [Self.track("more")]
        #expect(
            refusal { () throws(RoomRefusal) in try harness.directory.setTracks(more, of: ada.participant) }
                == .tooManyTracks)
        let long = try Self.track("long", metadata: String(repeating: " ", count: harness.limits.metadataBytes + 1))
        #expect(
            refusal { () throws(RoomRefusal) in try harness.directory.setTracks([long], of: ada.participant) }
                == .metadataTooLarge)
        #expect(harness.snapshot?.participants.first?.tracks == most)
        harness.directory.leave(ada.participant)
        #expect(
            refusal { () throws(RoomRefusal) in try harness.directory.setTracks([], of: ada.participant) }
                == .unknownParticipant)
    }

    @Test func `a stream shows its tracks as a participant does`() throws {
        var harness = Harness()
        let ada = try harness.join()
        let video = try Self.track("video")
        harness.directory.announce(Harness.room.name, source: "rtmp")
        harness.directory.setStreamTracks([video], of: Harness.room.name)
        #expect(harness.events(ada).last == .trackPublished(.stream, video))
        let many = try (0...harness.limits.tracksPerParticipant).map { try Self.track("t\($0)") }
        harness.directory.setStreamTracks(many, of: Harness.room.name)
        #expect(harness.snapshot?.participants.first?.tracks.count == harness.limits.tracksPerParticipant)
    }

    private func refusal(_ body: () throws(RoomRefusal) -> Void) -> RoomRefusal? {
        do throws(RoomRefusal) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
