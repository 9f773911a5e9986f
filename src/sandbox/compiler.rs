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

use rustix::process::{Pid, setpriority_process};

use super::{child, verdict::Verdict};
use crate::model::rejection::PluginReason;

/// Seconds of processor time in which a component is found to be one that takes no time to speak of: a plugin in Rust takes
/// a tenth.
const BRIEF_SECONDS: u64 = 1;

/// How much others go before a process that may take longer than that.
const NICE: i32 = 10;

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

/// What compiling a component may take now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// A moment: to find out whether it takes longer.
    Brief,
    /// All that is allowed for the purpose.
    Whole(Purpose),
}

/// Why nothing came of compiling a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The compiler does not take it.
    Refused(Verdict),
    /// It used up the processor time.
    UsedUp(Verdict),
    /// The compiler broke down over it, as far as can be told.
    BrokeDown(Verdict),
    /// The host could not have it compiled at that moment.
    Host(Verdict),
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
    fn cpu_seconds_for(&self, allowance: Allowance) -> u64 {
        match allowance {
            Allowance::Brief => BRIEF_SECONDS.min(self.cpu_seconds),
            Allowance::Whole(Purpose::Revision) => self.cpu_seconds,
            Allowance::Whole(Purpose::TryOut) => self.try_out_cpu_seconds.min(self.cpu_seconds),
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

// === impl Failure ===

impl Failure {
    /// What whoever asked is told.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Refused(verdict)
            | Self::UsedUp(verdict)
            | Self::BrokeDown(verdict)
            | Self::Host(verdict) => verdict,
        }
    }
}

/// Has the component compiled by a process; by a second one where the first was killed, which the system does when memory is
/// short.
///
/// # Errors
/// `INVALID_COMPONENT` when the compiler does not take it, or not within the limits; `TIMED_OUT` and `HOST_UNAVAILABLE` when
/// the machine was too busy, or no process could be started or kept.
pub fn compile(
    executable: &Path,
    limits: &CompileLimits,
    component: &[u8],
    allowance: Allowance,
) -> Result<Vec<u8>, Failure> {
    let compile = || {
        let ended = run(executable, limits, component, allowance)
            .map_err(|error| Failure::Host(Verdict::host(&format!("{}: {error}", executable.display()))))?;
        ended.answer(limits, component.len(), allowance)
    };
    match compile() {
        Err(Failure::Host(verdict)) if verdict.reason == PluginReason::HostUnavailable => compile(),
        other => other,
    }
}

fn run(
    executable: &Path,
    limits: &CompileLimits,
    component: &[u8],
    allowance: Allowance,
) -> io::Result<Ended> {
    let start = Instant::now();
    let mut child = Command::new(executable)
        .arg0("merit")
        .args([child::COMMAND, "--cpu-seconds", &limits.cpu_seconds_for(allowance).to_string()])
        .args(["--memory-bytes", &limits.memory_bytes.to_string()])
        // It needs nothing of what this process knows.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if allowance != Allowance::Brief {
        // One that has ended already needs no telling.
        let _ = setpriority_process(Some(Pid::from_child(&child)), NICE);
    }
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

    fn answer(self, limits: &CompileLimits, bytes: usize, allowance: Allowance) -> Result<Vec<u8>, Failure> {
        let CompileLimits { cpu_seconds, memory_bytes, code_bytes, wall_time, .. } = limits;
        let refused = |what: String, key: &str| {
            Verdict::invalid_component(format!(
                "compiling its {bytes} bytes {what} (plugins.{key} in the configuration raises that); large functions cost \
                 most: split them, or have less inlined into them"
            ))
        };
        if self.late {
            return Err(Failure::Host(timed_out(format!(
                "compiling the component was not done after {:?}, and {wall_time:?} are allowed \
                 (plugins.compile_wall_ms in the configuration raises that); try again when the machine is less busy",
                self.took
            ))));
        }
        if self.code.len() as u64 > *code_bytes {
            let what = format!("gives more than the {code_bytes} bytes of machine code that are allowed");
            return Err(Failure::Refused(refused(what, "compile_code_bytes")));
        }
        match (self.status.code(), self.status.signal()) {
            (Some(0), _) => Ok(self.code),
            (Some(code), _) if code == i32::from(child::REFUSED) && !self.ran_out_of_memory() => {
                Err(Failure::Refused(Verdict::invalid_component(self.words)))
            }
            (_, Some(child::SIGNAL_CPU)) => {
                let seconds = limits.cpu_seconds_for(allowance);
                let (instead, key) = match seconds < *cpu_seconds {
                    true => (
                        format!(" for trying out; publishing it may take {cpu_seconds} s"),
                        "try_out_compile_cpu_seconds",
                    ),
                    false => (String::new(), "compile_cpu_seconds"),
                };
                let what = format!("used up the {seconds} s of processor time that are allowed{instead}");
                Err(Failure::UsedUp(refused(what, key)))
            }
            // Somebody else's doing: the limits that it has set itself end it otherwise.
            (_, Some(child::SIGNAL_KILL)) => Err(Failure::Host(Verdict::host(
                "the process that compiles plugins was killed, perhaps for want of memory",
            ))),
            _ if self.ran_out_of_memory() => {
                let what = format!("used up the {memory_bytes} bytes of memory that are allowed");
                Err(Failure::Refused(refused(what, "compile_memory_bytes")))
            }
            (code, signal) => {
                tracing::warn!(?code, ?signal, words = self.words, "the compiler of plugins broke down");
                let words = "the compiler cannot handle it: it broke down over it";
                Err(Failure::BrokeDown(Verdict::invalid_component(words)))
            }
        }
    }
}

fn timed_out(message: String) -> Verdict {
    Verdict { reason: PluginReason::TimedOut, row: None, message }
}
