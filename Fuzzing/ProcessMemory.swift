import Foundation

/// What this process has in memory.
struct ProcessMemory {
    private let status = FileHandle(forReadingAtPath: "/proc/self/status")

    /// What is resident now, 0 where the system does not say. bytes
    var resident: Int { line("VmRSS:") }

    /// The most that was resident since the start, or since ``forgetPeak()``. bytes
    ///
    /// Not what `getrusage` says, which begins with the peak of the process that started this one.
    var peak: Int { line("VmHWM:") }

    private func line(_ name: StaticString) -> Int {
        guard let status else { return 0 }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = pread(status.fileDescriptor, buffer.baseAddress, buffer.count, 0)
            let lines = buffer.prefix(max(0, count)).split(separator: UInt8(ascii: "\n"))
            let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            guard let line = lines.first(where: { $0.starts(with: name) }) else { return 0 }
            let number = line.dropFirst(name.count).filter { (48...57).contains($0) }
            return (Int(String(decoding: number, as: UTF8.self)) ?? 0) * 1024
        }
    }

    /// Begins the peak anew, where the system lets a process do so.
    func forgetPeak() {
        let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = write(file, "5", 1)
    }
}
