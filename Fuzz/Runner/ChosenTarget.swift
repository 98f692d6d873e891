import FuzzTargets
import Glibc

/// The target that `MARTLET_FUZZ_TARGET` names.
let target: FuzzTarget = {
    let name = getenv("MARTLET_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        print("MARTLET_FUZZ_TARGET must be one of: \(names)")
        exit(2)
    }
    return target
}()
