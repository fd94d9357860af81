import Foundation

/// What a program that works for days needs of the system before anything else.
enum ProcessStart {
    /// Makes standard streams that are closed ones that lead nowhere, lets a reader that has gone away
    /// end nothing, and lets signals arrive, SIGQUIT as an end at once.
    static func prepare() {
        // The next file that is opened would get the number of a closed stream, and messages would be
        // written into it.
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) < 0
        {
            let nowhere = open("/dev/null", O_RDWR)
            if nowhere >= 0, nowhere != stream {
                dup2(nowhere, stream)
                close(nowhere)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        // A parent may have kept signals from its own threads, which is inherited.
        var all = sigset_t()
        sigfillset(&all)
        sigprocmask(SIG_UNBLOCK, &all, nil)
        // Swift's runtime would first collect a backtrace through all of libtorch.
        signal(SIGQUIT, SIG_DFL)
    }
}
