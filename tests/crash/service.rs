//! The real binary, as a process that can be killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use tonic::transport::Channel;

/// A running service; killed when it is dropped.
pub struct Service {
    process: Child,
    pub channel: Channel,
}

// === impl Service ===

impl Service {
    /// Starts it over this directory, with these settings.
    pub async fn start(directory: &Path, settings: &[(&str, &str)]) -> Self {
        let mut process = spawn(directory, settings);
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {line:?}"));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { process, channel }
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already killed, most of the time.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the process, and waits for nothing.
pub fn spawn(directory: &Path, settings: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_merit"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-filter", "error", "--data"])
        .arg(directory)
        // Tests run on disks that may be nearly full.
        .env("MERIT_STORE__FREE_FLOOR_BYTES", "0")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
