/// What the reports of all testers have in common: how many requirements were met, and whether that is enough.
package protocol Tally {
    /// Whether the examination ran to its end.
    var isComplete: Bool { get }
    /// The verdict of each finding with the weight of its requirement.
    var verdicts: [(verdict: Finding.Verdict, level: Requirement.Level)] { get }
    /// What was examined, such as `WHEP http://localhost:8080/whep/cam`.
    var subject: String { get }
}

extension Tally {
    /// Whether every MUST that could be tried is met.
    package var isPassed: Bool { isComplete && failedMusts == 0 }

    package func count(_ verdict: Finding.Verdict) -> Int { verdicts.count { $0.verdict == verdict } }

    /// One line for people.
    package var summary: String {
        let outcome = !isComplete ? "not finished" : isPassed ? "conforms" : "does not conform"
        return "\(subject) \(outcome): \(count(.passed)) passed, "
            + "\(count(.failed)) failed (\(failedMusts) of them MUST), \(count(.skipped)) skipped"
    }

    private var failedMusts: Int { verdicts.count { $0.verdict == .failed && $0.level == .must } }
}
