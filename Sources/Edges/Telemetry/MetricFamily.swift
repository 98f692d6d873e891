/// One metric with all its label combinations, at one moment.
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    package struct Sample: Sendable, Equatable {
        /// Names and values, in the order to write them.
        package var labels: [Label]
        package var value: Value

        package init(_ value: Value, labels: [Label] = []) {
            self.labels = labels
            self.value = value
        }
    }

    package struct Label: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package enum Value: Sendable, Equatable {
        case number(Double)
        case integer(UInt64)
        case histogram(HistogramSnapshot)
    }

    package var name: String
    package var help: String
    package var kind: Kind
    package var samples: [Sample]

    package init(_ metric: MetricName, _ samples: [Sample]) {
        self.init(name: metric.name, help: metric.help, kind: metric.kind, samples: samples)
    }

    package init(name: String, help: String, kind: Kind, samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }
}

/// Counts of observations by size.
package struct HistogramSnapshot: Sendable, Equatable {
    /// Upper bounds of the buckets, ascending; a last bucket without a bound follows.
    package var upperBounds: [Double]
    /// Observations in each bucket alone, one more than there are bounds.
    package var counts: [UInt64]
    /// Sum of all observations.
    package var sum: Double

    package init(upperBounds: [Double], counts: [UInt64], sum: Double) {
        self.upperBounds = upperBounds
        self.counts = counts
        self.sum = sum
    }
}
