import CTorch

/// How the process gets memory from the system.
public enum HostMemory {
    /// Keeps freed memory for the next allocation instead of giving it back; for programs to call as
    /// they start.
    ///
    /// The C library maps large blocks afresh and gives them back when they are freed, so that every
    /// training step waits for the system to clear gigabytes of pages: 13 % of the time of a
    /// full-size step. Peak memory stays the same, since each step needs what the last one did.
    public static func keepFreedPages() { ct_keep_freed_pages() }
}
