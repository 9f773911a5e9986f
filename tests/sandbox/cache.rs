//! The compiled cache on disk: what is believed, and what is compiled again.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use merit::sandbox::{Loads, Purpose, Sandbox, SandboxConfig};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::guest::{Guest, LIMITS, manifest};

/// A folder for the cache, and what is done to it between two starts of a service.
struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a folder") }
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("plugins")
    }

    fn key(&self) -> PathBuf {
        self.root.path().join("plugins.key")
    }

    /// The only compiled file.
    fn compiled(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.cache()).expect("the cache");
        let path = entries.next().expect("a compiled plugin").expect("an entry").path();
        assert!(entries.next().is_none(), "one file for one plugin, and no temporary ones");
        path
    }

    /// Starts a sandbox and loads the plugin twice: the second time from memory.
    fn start(&self) -> Loads {
        let config = SandboxConfig { cache: Some(self.cache()), ..SandboxConfig::default() };
        let sandbox = Sandbox::new(config).expect("a sandbox");
        for _ in 0..2 {
            let plugin = sandbox.load(&Guest::good().component()).expect("a plugin");
            assert_eq!(plugin.describe("{}", &LIMITS), Ok(manifest()));
        }
        sandbox.loads()
    }
}

const COMPILED: Loads = Loads { compiled: 1, from_disk: 0, refused: 0 };
const FROM_DISK: Loads = Loads { compiled: 0, from_disk: 1, refused: 0 };
const COMPILED_AGAIN: Loads = Loads { compiled: 1, from_disk: 0, refused: 1 };

/// Compiles, does something to the folder, and starts twice: with these loads, and then from disk again.
fn check(between: impl FnOnce(&Folder), wanted: Loads) {
    let folder = Folder::new();
    assert_eq!(folder.start(), COMPILED);
    between(&folder);
    assert_eq!(folder.start(), wanted);
    assert_eq!(folder.start(), FROM_DISK, "what was mended stays");
}

fn edit(folder: &Folder, change: impl FnOnce(&mut Vec<u8>)) {
    let path = folder.compiled();
    let mut bytes = fs::read(&path).expect("a compiled plugin");
    change(&mut bytes);
    fs::write(&path, bytes).expect("a place to write");
}

#[test]
fn what_is_on_disk_is_used() {
    check(|_| {}, FROM_DISK);
}

#[test]
fn what_was_changed_is_compiled_again() {
    check(|folder| edit(folder, |bytes| bytes[0] ^= 1), COMPILED_AGAIN);
    check(|folder| edit(folder, |bytes| bytes[40] ^= 0x80), COMPILED_AGAIN);
    check(|folder| edit(folder, |bytes| *bytes.last_mut().expect("bytes") ^= 1), COMPILED_AGAIN);
    check(|folder| edit(folder, |bytes| bytes.truncate(bytes.len() / 2)), COMPILED_AGAIN);
    check(|folder| edit(folder, |bytes| bytes.truncate(20)), COMPILED_AGAIN);
    check(|folder| edit(folder, Vec::clear), COMPILED_AGAIN);
    check(|folder| edit(folder, |bytes| bytes.push(0)), COMPILED_AGAIN);
}

#[test]
fn what_is_gone_is_compiled_again() {
    check(|folder| fs::remove_file(folder.compiled()).expect("removed"), COMPILED);
    check(|folder| fs::remove_dir_all(folder.cache()).expect("removed"), COMPILED);
}

#[test]
fn another_key_believes_nothing() {
    check(|folder| fs::remove_file(folder.key()).expect("removed"), COMPILED_AGAIN);
    check(|folder| fs::write(folder.key(), [7; 32]).expect("written"), COMPILED_AGAIN);
    check(|folder| fs::write(folder.key(), b"short").expect("written"), COMPILED_AGAIN);
    // A key that others could read proves nothing any more.
    check(
        |folder| {
            fs::set_permissions(folder.key(), fs::Permissions::from_mode(0o644)).expect("permissions");
        },
        COMPILED_AGAIN,
    );
}

fn fifo(path: &Path) {
    fs::remove_file(path).expect("removed");
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
}

fn link(path: &Path) {
    let elsewhere = path.with_extension("elsewhere");
    fs::rename(path, &elsewhere).expect("moved");
    symlink(elsewhere, path).expect("a link");
}

/// Nothing but a file of the service's own is opened, read or waited for.
#[test]
fn what_is_no_file_is_compiled_again() {
    check(|folder| fifo(&folder.compiled()), COMPILED_AGAIN);
    check(|folder| fifo(&folder.key()), COMPILED_AGAIN);
    check(|folder| link(&folder.key()), COMPILED_AGAIN);
    let others_may_write = |path: PathBuf| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o622)).expect("permissions");
    };
    check(|folder| others_may_write(folder.compiled()), COMPILED_AGAIN);
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    for mode in [0o777, 0o770, 0o703] {
        let folder = Folder::new();
        folder.start();
        fs::set_permissions(folder.cache(), fs::Permissions::from_mode(mode)).expect("permissions");
        let config = SandboxConfig { cache: Some(folder.cache()), ..SandboxConfig::default() };
        let error = Sandbox::new(config).err().expect("an error");
        assert!(error.contains("take that away with chmod"), "{error}");
    }
}

#[test]
fn a_file_under_another_plugins_name_is_not_believed() {
    let folder = Folder::new();
    assert_eq!(folder.start(), COMPILED);
    let config = SandboxConfig { cache: Some(folder.cache()), ..SandboxConfig::default() };
    let other = Guest::good().with(|guest| guest.describe = "unreachable".into()).component();
    let name = folder.compiled().file_name().expect("a name").to_string_lossy().into_owned();
    let engine = name.split_once('-').expect("two hashes").1;
    let other_name = format!("{}-{engine}", blake3::hash(&other).to_hex());
    fs::copy(folder.compiled(), folder.cache().join(other_name)).expect("copied");
    let sandbox = Sandbox::new(config).expect("a sandbox");
    let plugin = sandbox.load(&other).expect("a plugin");
    plugin.describe("{}", &LIMITS).expect_err("the other plugin traps; what was copied does not");
    assert_eq!(sandbox.loads(), COMPILED_AGAIN);
}

/// Components that differ, and compile to about as many bytes.
fn numbered(number: usize) -> Vec<u8> {
    Guest::good().with(|guest| guest.module = format!("(global i32 (i32.const {number}))")).component()
}

#[test]
fn what_was_written_longest_ago_makes_room() {
    let folder = Folder::new();
    folder.start();
    let one = fs::metadata(folder.compiled()).expect("a file").len();
    fs::remove_file(folder.compiled()).expect("removed");
    // Room for three, and a bit.
    let start = |cache_bytes| {
        let config = SandboxConfig { cache: Some(folder.cache()), cache_bytes, ..SandboxConfig::default() };
        Sandbox::new(config).expect("a sandbox")
    };
    let sandbox = start(one * 7 / 2);
    let kept = || fs::read_dir(folder.cache()).expect("the cache").count();
    for number in 0..5 {
        sandbox.load(&numbered(number)).expect("a plugin");
        assert_eq!(kept(), (number + 1).min(3));
        // File systems tell times apart by a few milliseconds at best.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let sandbox = start(one * 7 / 2);
    for number in (0..5).rev() {
        sandbox.load(&numbered(number)).expect("a plugin");
    }
    assert_eq!(sandbox.loads(), Loads { compiled: 2, from_disk: 3, refused: 0 });
    // What is larger than all the room there is drives nobody out.
    let sandbox = start(one / 2);
    sandbox.load(&numbered(7)).expect("a plugin");
    assert_eq!(kept(), 3);
}

/// What is on disk is there because it is used, not because it is new.
#[test]
fn what_was_used_longest_ago_makes_room() {
    let folder = Folder::new();
    folder.start();
    let one = fs::metadata(folder.compiled()).expect("a file").len();
    fs::remove_file(folder.compiled()).expect("removed");
    let start = || {
        let cache_bytes = one * 7 / 2;
        let config = SandboxConfig { cache: Some(folder.cache()), cache_bytes, ..SandboxConfig::default() };
        Sandbox::new(config).expect("a sandbox")
    };
    let load = |sandbox: &Sandbox, number| {
        sandbox.load(&numbered(number)).expect("a plugin");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let sandbox = start();
    (0..3).for_each(|number| load(&sandbox, number));
    let sandbox = start();
    [0, 3].into_iter().for_each(|number| load(&sandbox, number));
    let sandbox = start();
    [0, 2, 3].into_iter().for_each(|number| load(&sandbox, number));
    assert_eq!(sandbox.loads(), Loads { compiled: 0, from_disk: 3, refused: 0 });
}

/// What is tried out takes nobody's place, neither on disk nor in memory, and need not be compiled again to be published.
#[test]
fn what_is_tried_out_drives_out_nothing_that_is_published() {
    let folder = Folder::new();
    let config = SandboxConfig { cache: Some(folder.cache()), ..SandboxConfig::default() };
    let sandbox = Sandbox::new(config).expect("a sandbox");
    sandbox.load(&numbered(0)).expect("a plugin");
    for number in 1..70 {
        sandbox.load_for(&numbered(number), Purpose::TryOut).expect("a plugin");
    }
    assert_eq!(fs::read_dir(folder.cache()).expect("the cache").count(), 1);
    assert_eq!(sandbox.loads().compiled, 70);
    sandbox.load(&numbered(0)).expect("a plugin");
    sandbox.load_for(&numbered(0), Purpose::TryOut).expect("a plugin");
    sandbox.load(&numbered(69)).expect("a plugin");
    assert_eq!(sandbox.loads(), Loads { compiled: 70, from_disk: 0, refused: 0 });
    assert_eq!(fs::read_dir(folder.cache()).expect("the cache").count(), 2);
    // The few that are kept are those of the end.
    sandbox.load_for(&numbered(1), Purpose::TryOut).expect("a plugin");
    assert_eq!(sandbox.loads().compiled, 71);
}

#[test]
fn files_are_for_the_service_alone() {
    let folder = Folder::new();
    folder.start();
    let mode = |path: PathBuf| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(folder.key()), 0o600);
    assert_eq!(mode(folder.cache()), 0o700);
    assert_eq!(mode(folder.compiled()), 0o600);
}

#[test]
fn a_folder_that_cannot_be_is_told_at_the_start() {
    let folder = Folder::new();
    let file = folder.root.path().join("file");
    fs::write(&file, b"").expect("written");
    let config = SandboxConfig { cache: Some(file.join("plugins")), ..SandboxConfig::default() };
    let error = Sandbox::new(config).err().expect("an error");
    assert!(error.contains("the cache of compiled plugins"), "{error}");
}

#[test]
fn many_who_ask_at_once_wait_for_one_compilation() {
    let sandbox = Sandbox::new(SandboxConfig::default()).expect("a sandbox");
    let component = Guest::good().component();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| sandbox.load(&component).expect("a plugin"));
        }
    });
    assert_eq!(sandbox.loads(), COMPILED);
}
