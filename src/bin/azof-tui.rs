//! The program `azof-tui`.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    azof_tui::cli::run(std::env::args_os())
}
