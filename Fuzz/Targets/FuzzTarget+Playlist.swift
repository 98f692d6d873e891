import M3U8

func fuzzPlaylist(_ input: Span<UInt8>) {
    _ = try? MultivariantPlaylist(parsing: input)
    guard let playlist = try? MediaPlaylist(parsing: input) else { return }
    precondition(
        playlist.segments.dropLast().allSatisfy { $0.uri != nil }, "only the last segment may be in the making")
    precondition(playlist.complete.count + (playlist.open.isEmpty ? 0 : 1) == playlist.segments.count)
}
