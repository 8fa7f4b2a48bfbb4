//! The allocator, and a call to [`weir::cli::run`].

// mimalloc against glibc malloc: what a core frees it mostly allocated itself (docs/architecture.md, "Decisions").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    weir::cli::run(std::env::args_os())
}
