import Foundation

/// What this process has in memory.
struct ProcessMemory {
    private let statistics: FileHandle?
    private let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

    init() { statistics = FileHandle(forReadingAtPath: "/proc/self/statm") }

    /// What is resident now, 0 where the system does not say. bytes
    var resident: Int {
        guard let statistics else { return 0 }
        return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            let count = pread(statistics.fileDescriptor, buffer.baseAddress, buffer.count, 0)
            let fields = buffer.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
            guard fields.count > 1 else { return 0 }
            return (Int(String(decoding: fields[1], as: UTF8.self)) ?? 0) * pageSize
        }
    }

    /// The most that was resident since the start, or since ``forgetPeak()``. bytes
    var peak: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    /// Begins the peak anew, where the system lets a process do so.
    func forgetPeak() {
        let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = write(file, "5", 1)
    }
}
