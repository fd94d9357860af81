import Training

/// A progress bar for work of which other runs may have done a part, made when its size is known.
final class CountingBar {
    private let unit: String
    private let title: String
    private var display: ProgressDisplay?

    init(unit: String, title: String) {
        self.unit = unit
        self.title = title
    }

    /// Reports what is done, of all, and how much of it was done here.
    func update(_ done: Int, of total: Int, here: Int) {
        let display = display ?? ProgressDisplay(total: total, first: done - here, unit: unit)
        self.display = display
        display.update(done, items: here, title: title)
    }
}
