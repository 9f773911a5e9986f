//! The command line as a user has it: the built binary, in a process of its own, with a home of its own.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value as Json;
use tempfile::TempDir;

/// The binary, for a server and a team.
pub struct CommandLine {
    server: String,
    team: &'static str,
    home: TempDir,
}

// === impl CommandLine ===

impl CommandLine {
    /// Of a server's address and a team's id.
    pub fn new(server: impl std::fmt::Display, team: &'static str) -> Self {
        let home = tempfile::tempdir().unwrap();
        // Nothing is said of how quick the machine is.
        std::fs::create_dir(home.path().join("merit")).unwrap();
        std::fs::write(home.path().join("merit/config.toml"), "timeout = 3600\n").unwrap();
        Self { server: format!("http://{server}"), team, home }
    }

    /// A directory of its own.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_merit"));
        command
            .args(arguments)
            .current_dir(self.home())
            .env("MERIT_SERVER", &self.server)
            .env("MERIT_TEAM", self.team)
            .env("MERIT_AUTHOR", "tester")
            .env("XDG_CONFIG_HOME", self.home())
            .env_remove("MERIT_CONFIG");
        command
    }

    /// Runs a command to its end.
    pub fn merit(&self, arguments: &[&str]) -> Output {
        // Blocking is fine: the server has threads of its own to go on with.
        tokio::task::block_in_place(|| self.command(arguments).output().unwrap())
    }

    /// Runs a command that has to succeed, and answers what it printed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.merit(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same with a JSON document.
    pub fn json(&self, arguments: &[&str]) -> Json {
        serde_json::from_str(&self.done(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// The same with a JSON object a line.
    pub fn json_lines(&self, arguments: &[&str]) -> Vec<Json> {
        let text = self.done(&[arguments, &["-o", "jsonl"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs a command that has to end with this code, and answers what it said on stderr; stdout has to be empty.
    pub fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.merit(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}: only data is on stdout");
        said
    }
}
