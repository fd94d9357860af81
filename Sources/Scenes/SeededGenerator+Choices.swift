import Images

extension SeededGenerator {
    /// One of some values, each as likely as the others.
    mutating func choice<Value>(_ values: [Value]) -> Value { values[index(below: values.count)] }

    /// One of some values, each as likely as its weight says.
    mutating func choice<Value>(weighted values: [(value: Value, weight: Double)]) -> Value {
        var rest = uniform() * values.reduce(0) { $0 + $1.weight }
        for (value, weight) in values.dropLast() {
            if rest < weight { return value }
            rest -= weight
        }
        return values[values.count - 1].value
    }

    /// True with a probability.
    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }
}
