import Testing

@testable import LoadTest

@Suite("Figures of a load test")
struct LoadFiguresTests {
    private typealias Number = HLSPlayback.PartNumber

    @Test func `percentiles are values that were seen`() {
        var values = Percentiles()
        #expect(values.value(50) == nil)
        for value in 1...100 { values.add(Double(value)) }
        #expect(values.value(50) == 50 && values.value(99) == 99 && values.value(100) == 100 && values.value(0) == 1)
    }

    @Test func `very many values are thinned out and stay true`() throws {
        var values = Percentiles()
        let count = 3 * Percentiles.maximumCount
        for value in 0..<count { values.add(Double(value)) }
        #expect(values.count == count)
        let median = try #require(values.value(50))
        #expect(abs(median - Double(count) / 2) < Double(count) / 100)
    }

    @Test func `a reload is measured from the first viewer that had the part`() {
        var figures = LoadFigures()
        let part = Number(sequence: 8, part: 1)
        figures.reloaded(part, rendition: 0, askedAt: 1, at: 2)
        figures.reloaded(part, rendition: 0, askedAt: 1.5, at: 2.25)
        // The part was there already.
        figures.reloaded(part, rendition: 0, askedAt: 2.1, at: 2.5)
        // Another rendition's part of the same number.
        figures.reloaded(part, rendition: 1, askedAt: 1, at: 3)
        #expect(figures.reloads.count == 3)
        #expect(figures.reloads.value(100) == 250)
    }

    @Test func `causes and parts are bounded`() {
        var figures = LoadFigures()
        for number in 0..<100 { figures.fail("cause \(number)") }
        #expect(figures.errors.count == LoadFigures.maximumCauses)
        figures.fail("cause 0")
        #expect(figures.errors["cause 0"] == 2)
        for number in 0..<UInt64(3 * LoadFigures.maximumParts) {
            figures.reloaded(Number(sequence: number, part: 0), rendition: 0, askedAt: 0, at: Double(number))
        }
        #expect(figures.knownParts <= LoadFigures.maximumParts)
    }
}
