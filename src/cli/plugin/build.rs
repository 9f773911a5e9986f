//! `merit plugin build`: a core module, as a compiler writes it, into the component that a server takes; and checked to be
//! one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{argument::read_bytes, failure::Failure, output::print_line},
    sandbox::{self, Sandbox, SandboxConfig},
};

#[derive(Debug, Args)]
pub(super) struct BuildArguments {
    /// The core module; a component is checked, and copied as it is.
    module: String,
    /// The component [default: the module's name, in this directory].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Packs a module.
pub(super) fn run(arguments: &BuildArguments) -> Result<(), Failure> {
    let module = Path::new(&arguments.module);
    let output = arguments.output.clone().unwrap_or_else(|| module.file_name().unwrap_or_default().into());
    if arguments.output.is_none() && output.exists() {
        let message = format!("{} is there already: say where to with --output", output.display());
        return Err(Failure::Usage(message));
    }
    let wrong = |what: &dyn std::fmt::Display| Failure::Differs(format!("{}: {what}", arguments.module));
    let component = sandbox::pack(&read_bytes(&arguments.module)?).map_err(|what| wrong(&what))?;
    // What a server would refuse is told now, whoever has packed it.
    let sandbox = Sandbox::new(SandboxConfig::default()).map_err(Failure::Service)?;
    sandbox.load(&component).map_err(|verdict| wrong(&verdict.message))?;
    fs::write(&output, &component)
        .map_err(|error| Failure::file(format!("writing {}", output.display()), error))?;
    print_line(&format!("{}: {} bytes", output.display(), component.len()))
}
