import Testing

/// A word that code in the inner rings must not contain, and why.
private struct Forbidden {
    var word: String
    var reason: String
}

private let worldly: [Forbidden] = [
    Forbidden(word: "Date()", reason: "reads the clock: time is an argument"),
    Forbidden(word: "ContinuousClock", reason: "reads the clock: time is an argument"),
    Forbidden(word: "SuspendingClock", reason: "reads the clock: time is an argument"),
    Forbidden(word: "clock_gettime", reason: "reads the clock: time is an argument"),
    Forbidden(word: "gettimeofday", reason: "reads the clock: time is an argument"),
    Forbidden(word: "import Dispatch", reason: "an engine has no threads"),
    Forbidden(word: "DispatchTime", reason: "reads the clock: time is an argument"),
    Forbidden(word: "SystemRandomNumberGenerator", reason: "randomness is an argument"),
    Forbidden(word: "Task {", reason: "an engine starts no task"),
    Forbidden(word: "Task.sleep", reason: "an engine never waits"),
    Forbidden(word: "Mutex<", reason: "an engine belongs to one thread"),
    Forbidden(word: "Logger", reason: "an engine gives events; the edges log"),
    Forbidden(word: "print(", reason: "an engine gives events; the edges log"),
    Forbidden(word: "socket(", reason: "an engine holds no socket"),
]

/// Where a word stays all the same, with the reason.
///
/// This list may only become shorter.
private let permanent: [(path: String, word: String, reason: String)] = [
    (
        "Sources/Engines/RTMP/Session/RTMPServerSession.swift", "SystemRandomNumberGenerator",
        "a default for the handshake's bytes, which protect nothing; tests pass their own"
    ),
    (
        "Sources/Engines/ICE/ICEAgent.swift", "SystemRandomNumberGenerator",
        "a default for transaction identifiers; tests pass their own"
    ),
]

/// The rings that take `(input, now)` and give outputs.
private func isPure(_ file: SourceFile) -> Bool {
    ["Sources/Foundations/", "Sources/Wire/", "Sources/Engines/", "signaling/Sources/"].contains {
        file.path.hasPrefix($0)
    }
}

@Suite("Engines are pure")
struct PurityTests {
    @Test func `wire and engines read no clock, draw no luck, and touch no thread, log or socket`() {
        for file in SourceTree.files where isPure(file) {
            for (index, line) in file.code.enumerated() {
                for forbidden in worldly where containsWord(forbidden.word, in: line) {
                    if permanent.contains(where: { $0.path == file.path && $0.word == forbidden.word }) { continue }
                    Issue.record("\(file.path):\(index + 1) has “\(forbidden.word)”: \(forbidden.reason)")
                }
            }
        }
    }

    @Test func `the list of exceptions holds nothing that is gone`() {
        for exception in permanent {
            let file = SourceTree.files.first { $0.path == exception.path }
            let remains = file?.code.contains { containsWord(exception.word, in: $0) } ?? false
            #expect(remains, "\(exception.path) no longer has “\(exception.word)”")
        }
    }

    @Test func `nothing that parses untrusted bytes forces a try or an optional cast`() {
        for file in SourceTree.files where isPure(file) {
            for (index, line) in file.code.enumerated() where line.contains("try!") || line.contains("as!") {
                Issue.record("\(file.path):\(index + 1) forces: untrusted input must never trap")
            }
        }
    }

    @Test func `a file stays short enough to be one idea`() {
        for file in SourceTree.files {
            #expect(file.code.count < 600, "\(file.path) has \(file.code.count) lines")
        }
    }

    @Test(arguments: [
        ("let x = 1 // Date()", "let x = 1 "), ("let s = \"Date()\"", "let s = "), ("a /* b /* c */ d */ e", "a  e"),
        ("let s = \"\\\"Date()\" + y", "let s =  + y"),
    ])
    func `comments and string literals are not code`(source: String, code: String) {
        #expect(SourceTree.code(of: source) == [code])
    }
}

/// Whether `word` occurs where it is not the tail of a longer identifier.
private func containsWord(_ word: String, in line: String) -> Bool {
    var rest = Substring(line)
    while let range = rest.firstRange(of: word) {
        let before = rest[..<range.lowerBound].last
        if before.map({ !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "." }) ?? true {
            return true
        }
        rest = rest[range.upperBound...]
    }
    return false
}
