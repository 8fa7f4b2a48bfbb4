//! People at a terminal: one file a command.

mod check;
mod export;
mod flags;
mod gather;
mod invoke;
mod invoked;
mod remote;
pub mod report;
mod run;
mod serve;
mod template;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use flags::{Command, Flags, TemplateCommand, UsageCommand};

/// Runs the command that `arguments` name, the program's own name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Flags::try_parse_from(arguments) {
        Ok(Flags { command: Command::Run(flags) }) => run::run(*flags),
        Ok(Flags { command: Command::Serve(flags) }) => serve::run(*flags),
        Ok(Flags { command: Command::Check(flags) }) => check::run(*flags),
        Ok(Flags { command: Command::Invoke(flags) }) => invoke::run(*flags),
        Ok(Flags { command: Command::Template(flags) }) => match flags.command {
            TemplateCommand::Test(flags) => template::test(&flags),
        },
        Ok(Flags { command: Command::Export(flags) }) => export::run(*flags),
        Ok(Flags { command: Command::Backup(flags) }) => remote::backup(*flags),
        Ok(Flags { command: Command::Restore(flags) }) => remote::restore(*flags),
        Ok(Flags { command: Command::Plan(flags) }) => remote::plan(*flags),
        Ok(Flags { command: Command::Usage(flags) }) => match flags.command {
            UsageCommand::Export(flags) => remote::usage(&flags),
        },
        Err(error) => {
            // Help and version are "errors" too; they go to standard output and end with 0.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
        }
    }
}
