//! Who compiles: a process of its own, with limits that a component made to be expensive runs into, or this one. What the
//! process does is in `child`.

use std::{
    io::{self, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use super::{child, verdict::Verdict};
use crate::model::rejection::PluginReason;

/// Bytes of what the process may say of a component that it does not take.
const WORDS: u64 = 4 << 10;

/// Who compiles uploaded components.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// This process, without any limit: for tests and benches, whose components are known.
    Here,
    /// An executable that answers to the command `compile-plugin` as `merit` does, within these limits.
    Process {
        /// Its path.
        executable: PathBuf,
        /// What it may take.
        limits: CompileLimits,
    },
}

/// What compiling a component may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// The same for a component that is only tried out.
    pub try_out_cpu_seconds: u64,
    /// Bytes of address space, the executable's own included.
    pub memory_bytes: u64,
    /// The time until it has to be done, however busy the machine is.
    pub wall_time: Duration,
    /// Bytes of machine code that may come of it.
    pub code_bytes: u64,
}

/// What a component is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A revision, which is compiled once and used for long.
    Revision,
    /// A request that brings it along, and keeps nothing.
    TryOut,
}

/// How a process ended, and what it said.
struct Ended {
    status: ExitStatus,
    code: Vec<u8>,
    words: String,
    /// It was ended for taking too long.
    late: bool,
    took: Duration,
}

// === impl Compiler ===

impl Compiler {
    /// The executable that this process runs, also when its file was replaced since.
    #[must_use]
    pub fn own_executable() -> PathBuf {
        // What is replaced would not fit this engine any more; the link leads to the file that was started.
        let link = Path::new("/proc/self/exe");
        match std::env::current_exe() {
            Ok(path) if !link.exists() => path,
            _ => link.to_path_buf(),
        }
    }
}

// === impl CompileLimits ===

impl CompileLimits {
    fn cpu_seconds_for(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Revision => self.cpu_seconds,
            Purpose::TryOut => self.try_out_cpu_seconds.min(self.cpu_seconds),
        }
    }
}

impl Default for CompileLimits {
    /// Enough for an interpreter of 20 MB on a slow machine.
    fn default() -> Self {
        Self {
            cpu_seconds: 60,
            try_out_cpu_seconds: 45,
            memory_bytes: 4 << 30,
            wall_time: Duration::from_secs(110),
            code_bytes: 512 << 20,
        }
    }
}

/// Has the component compiled by a process.
///
/// # Errors
/// `INVALID_COMPONENT` when the compiler does not take it, or not within the limits; `TIMED_OUT` when the machine was too
/// busy, or no process could be started.
pub fn compile(
    executable: &Path,
    limits: &CompileLimits,
    component: &[u8],
    purpose: Purpose,
) -> Result<Vec<u8>, Verdict> {
    let ended = run(executable, limits, component, purpose).map_err(|error| {
        tracing::error!(%error, executable = %executable.display(), "the compiler of plugins cannot be run");
        timed_out("the compiler cannot be run on this server, the log says why; try again later".to_owned())
    })?;
    ended.answer(limits, component.len(), purpose)
}

fn run(executable: &Path, limits: &CompileLimits, component: &[u8], purpose: Purpose) -> io::Result<Ended> {
    let start = Instant::now();
    let mut child = Command::new(executable)
        .arg0("merit")
        .args([child::COMMAND, "--cpu-seconds", &limits.cpu_seconds_for(purpose).to_string()])
        .args(["--memory-bytes", &limits.memory_bytes.to_string()])
        // It needs nothing of what this process knows.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("the compiler has no pipes"));
    };
    let (said_all, all_said) = sync_channel::<()>(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            // One that has ended before it read all says why, or its end does.
            let _ = stdin.write_all(component);
        });
        let code = scope.spawn(move || {
            let mut code = Vec::new();
            let read = stdout.take(limits.code_bytes + 1).read_to_end(&mut code);
            drop(said_all);
            read.map(|_| code)
        });
        let words = scope.spawn(move || {
            let mut words = Vec::new();
            let mut stderr = stderr;
            let _ = stderr.by_ref().take(WORDS).read_to_end(&mut words);
            let _ = io::copy(&mut stderr, &mut io::sink());
            String::from_utf8_lossy(&words).trim().to_owned()
        });
        let silent = all_said.recv_timeout(limits.wall_time) == Err(RecvTimeoutError::Timeout);
        let late = silent || start.elapsed() >= limits.wall_time;
        let status = end(&mut child, late)?;
        let panicked = || io::Error::other("reading what the compiler says failed");
        let code = code.join().map_err(|_| panicked())??;
        let words = words.join().map_err(|_| panicked())?;
        Ok(Ended { status, code, words, late, took: start.elapsed() })
    })
}

/// Waits for the end, which comes by itself or is brought about.
fn end(child: &mut Child, kill: bool) -> io::Result<ExitStatus> {
    if kill {
        // One that has ended by itself meanwhile is no error.
        let _ = child.kill();
    }
    child.wait()
}

// === impl Ended ===

impl Ended {
    /// Told by what Rust says of an allocation that fails, and of reading into memory that there is none of.
    fn ran_out_of_memory(&self) -> bool {
        self.words.starts_with("memory allocation of") || self.words.ends_with("out of memory")
    }

    fn answer(self, limits: &CompileLimits, bytes: usize, purpose: Purpose) -> Result<Vec<u8>, Verdict> {
        let CompileLimits { cpu_seconds, memory_bytes, code_bytes, wall_time, .. } = limits;
        let refused = |what: String, key: &str| {
            Err(Verdict::invalid_component(format!(
                "compiling its {bytes} bytes {what} (plugins.{key} in the configuration raises that); large functions cost \
                 most: split them, or have less inlined into them"
            )))
        };
        if self.late {
            return Err(timed_out(format!(
                "compiling the component was not done after {:?}, and {wall_time:?} are allowed \
                 (plugins.compile_wall_ms in the configuration raises that); try again when the machine is less busy",
                self.took
            )));
        }
        if self.code.len() as u64 > *code_bytes {
            return refused(
                format!("gives more than the {code_bytes} bytes of machine code that are allowed"),
                "compile_code_bytes",
            );
        }
        match (self.status.code(), self.status.signal()) {
            (Some(0), _) => Ok(self.code),
            (Some(code), _) if code == i32::from(child::REFUSED) && !self.ran_out_of_memory() => {
                Err(Verdict::invalid_component(self.words))
            }
            (_, Some(child::SIGNAL_CPU | child::SIGNAL_KILL))
                if limits.cpu_seconds_for(purpose) < *cpu_seconds =>
            {
                let brief = limits.cpu_seconds_for(purpose);
                let what = format!(
                    "used up the {brief} s of processor time that are allowed for trying out; publishing it may take \
                     {cpu_seconds} s"
                );
                refused(what, "try_out_compile_cpu_seconds")
            }
            (_, Some(child::SIGNAL_CPU | child::SIGNAL_KILL)) => refused(
                format!("used up the {cpu_seconds} s of processor time that are allowed"),
                "compile_cpu_seconds",
            ),
            _ if self.ran_out_of_memory() => refused(
                format!("used up the {memory_bytes} bytes of memory that are allowed"),
                "compile_memory_bytes",
            ),
            (code, signal) => {
                tracing::warn!(?code, ?signal, words = self.words, "the compiler of plugins broke down");
                Err(Verdict::invalid_component("the compiler cannot handle it: it broke down over it"))
            }
        }
    }
}

fn timed_out(message: String) -> Verdict {
    Verdict { reason: PluginReason::TimedOut, row: None, message }
}
