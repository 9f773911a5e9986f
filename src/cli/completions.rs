//! `merit completions`: a completion script for a shell.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::Shell;

use super::failure::Failure;

/// What the binary is called.
const NAME: &str = "merit";

/// What `merit completions` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script for a command.
pub(super) fn run(arguments: &Arguments, command: &Command) -> Result<(), Failure> {
    // Not straight to stdout: a reader that has seen enough is no reason to panic.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut offered(command), NAME, &mut script);
    if arguments.shell == Shell::Fish {
        script.extend_from_slice(fish_values(command).as_bytes());
    }
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Service(error.to_string())),
        _ => Ok(()),
    }
}

/// The command without what nobody types.
fn offered(command: &Command) -> Command {
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set()).cloned();
    Command::new(NAME)
        .subcommands(shown)
        .args(command.get_arguments().cloned())
        .version(env!("CARGO_PKG_VERSION"))
}

/// Values of arguments without a flag, which the script for this shell has not: the collections.
fn fish_values(command: &Command) -> String {
    let mut lines = String::new();
    for below in command.get_subcommands() {
        let values = below.get_positionals().flat_map(|argument| argument.get_possible_values());
        let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        if !values.is_empty() {
            let (name, values) = (below.get_name(), values.join(" "));
            lines.push_str(&format!(
                "complete -c {NAME} -n \"__fish_{NAME}_using_subcommand {name}\" -f -a \"{values}\"\n"
            ));
        }
    }
    lines
}
