//! The allocator, and a call to [`weir::cli::run`]; or, for a function's process, to [`weir::functions::launch`].

// mimalloc against glibc malloc: what a core frees it mostly allocated itself (docs/architecture.md, "Decisions").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // A function's process begins as this program, which limits itself and becomes the function's.
    if let Some(refused) = weir::functions::launch::launched(std::env::args_os()) {
        return refused;
    }
    weir::cli::run(std::env::args_os())
}
