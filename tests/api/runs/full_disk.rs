//! A disk without room for a while ends no run: it waits for room, at whatever it was.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use merit::{
    config::Config,
    evaluate::Evaluator,
    model::{caller::Caller, name::Name},
    proto::v1,
    resource::Resources,
    sandbox::Sandbox,
    store::{Database, Disk, DiskStep, DiskWatcher, Refusal},
    view::Views,
};
use tokio::time::{sleep, timeout};

use super::{TEAM, organisation, publish_two, run, two_steps};
use crate::harness::{self, Harness};

/// No measure of speed: only what tells a run that hangs from one that does not.
const HANGS: Duration = Duration::from_secs(60);

/// A disk that has no room for new files of these names, so many times each.
#[derive(Default)]
struct FullDisk(Mutex<Vec<(&'static str, u32)>>);

impl DiskWatcher for FullDisk {
    fn allow(&self, step: &DiskStep<'_>) -> Result<(), Refusal> {
        let DiskStep::Create(path, _) = step else { return Ok(()) };
        let name = path.file_name().unwrap().to_string_lossy();
        let mut left = self.0.lock().unwrap();
        match left.iter_mut().find(|(beginning, left)| name.starts_with(beginning) && *left > 0) {
            None => Ok(()),
            Some((_, left)) => {
                *left -= 1;
                Err(Refusal { written: 0, error: io::ErrorKind::StorageFull.into() })
            }
        }
    }
}

/// Opens the data of a server without one, on such a disk.
fn open(config: &Config, disk: &Arc<FullDisk>) -> (Database, Resources, Evaluator) {
    let options = merit::store::Options { disk: Disk::watched(disk.clone()), ..config.store_options() };
    let database = Database::open(&config.data, options).unwrap();
    let resources = Resources::new(database.clone());
    let views = Views::new(database.clone(), config.views.budget_bytes);
    let sandbox = Sandbox::new(config.sandbox()).unwrap();
    let evaluator = Evaluator::new(database.clone(), resources.clone(), views, sandbox, config.run_options());
    (database, resources, evaluator)
}

/// Has a run done again from its beginning while files of this name find no room at first, and expects that it comes to its
/// end all the same.
async fn check(full: &'static str) {
    // Every write needs a segment of its own.
    let change = |config: &mut Config| config.store.segment_bytes = 1;
    let harness = Harness::start_with(change).await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let before = run(&harness, "q1", two_steps()).await;
    let directory = harness.stopped().await;
    let mut config = harness::config(directory.path());
    change(&mut config);
    std::fs::remove_file(config.data.join("blobs").join(&before.dataset)).unwrap();

    let disk = Arc::new(FullDisk::default());
    let (database, resources, evaluator) = open(&config, &disk);
    let caller = Caller { author: "anna".to_owned(), method: "test".to_owned() };
    let name = Name::parse(&format!("{TEAM}/runs/q1")).unwrap();
    let again = |run: &mut prost_reflect::DynamicMessage| {
        run.set_field_by_name("state", prost_reflect::Value::EnumNumber(v1::RunState::Pending.into()));
        run.clear_field_by_name("dataset");
        Ok(())
    };
    resources.put(&caller, &name, again).await.unwrap();
    *disk.0.lock().unwrap() = vec![(full, 2)];
    let work = tokio::spawn(async move { evaluator.work(std::future::pending()).await });
    let done = async {
        loop {
            let run: v1::Run = resources.get(&name).unwrap();
            if !matches!(run.state(), v1::RunState::Pending | v1::RunState::Running) {
                return run;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let after = timeout(HANGS, done).await.unwrap_or_else(|_| panic!("{full}: it does not end"));
    assert_eq!((after.state(), &*after.failure), (v1::RunState::Succeeded, ""), "{full}");
    assert_eq!(disk.0.lock().unwrap()[0].1, 0, "{full}: there was room at once");
    assert!(config.data.join("blobs").join(&after.dataset).exists());
    database.close().await;
    work.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_room_on_the_disk() {
    check("segment.new").await;
    check("temporary-").await;
}
