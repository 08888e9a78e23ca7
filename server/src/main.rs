//! The binary `esker`; all of it is in the library.

/// Keeps the memory of requests in the process. A request's buffer is of hundreds of KiB, and comes and goes a thousand
/// times a second: by default glibc hands such memory back to the kernel each time, which then clears it anew, page by page.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_memory() {
    for (option, value) in [
        // Below this a buffer comes from the heap; a larger one is mapped and unmapped by itself.
        (libc::M_MMAP_THRESHOLD, 4 << 20),
        // What may lie free at the end of a heap.
        (libc::M_TRIM_THRESHOLD, 64 << 20),
        (libc::M_TOP_PAD, 1 << 20),
        // One heap for each thread would keep as much for each.
        (libc::M_ARENA_MAX, 2),
    ] {
        // SAFETY: `mallopt` only stores a number, and no other thread runs yet.
        let taken = unsafe { libc::mallopt(option, value) };
        debug_assert_eq!(taken, 1, "malloc option {option}");
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_memory() {}

fn main() -> std::process::ExitCode {
    keep_memory();
    esker_server::cli::main()
}
