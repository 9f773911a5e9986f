//! Plugins that have to be compiled first: they wait for the compiler, and nobody waits for them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use merit::proto::v1::{self, plugin_source::Source, publish_plugin_revision_request::Source as Published};
use tempfile::TempDir;
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    guest::Guest,
    harness::{Harness, reason, until},
    runs::TEAM,
};

/// The service's own executable.
const MERIT: &str = env!("CARGO_BIN_EXE_merit");

/// A compiler that waits until it is let go.
struct Gate {
    folder: TempDir,
}

// === impl Gate ===

impl Gate {
    fn new() -> Self {
        Self::behind("")
    }

    /// One that holds up only what may take longer than a moment.
    fn for_long() -> Self {
        Self::behind(&format!("[ \"$3\" = 1 ] && exec {MERIT} \"$@\"\n"))
    }

    fn behind(before: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Self { folder };
        let (begun, open) = (gate.folder.path().join("begun"), gate.open_file());
        let script = format!(
            "#!/bin/sh\n{before}: > {}.$$\nwhile [ ! -e {} ]; do /bin/sleep 0.02; done\nexec {MERIT} \"$@\"\n",
            begun.display(),
            open.display(),
        );
        fs::write(gate.compiler(), script).unwrap();
        fs::set_permissions(gate.compiler(), fs::Permissions::from_mode(0o755)).unwrap();
        gate
    }

    fn compiler(&self) -> PathBuf {
        self.folder.path().join("compiler")
    }

    fn open_file(&self) -> PathBuf {
        self.folder.path().join("open")
    }

    fn open(&self) {
        fs::write(self.open_file(), b"").unwrap();
    }

    fn close(&self) {
        fs::remove_file(self.open_file()).unwrap();
    }

    /// Compilations that have begun.
    fn begun(&self) -> usize {
        let entries = fs::read_dir(Path::new(self.folder.path())).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("begun"))
            .count()
    }
}

fn evaluate(source: Source) -> v1::EvaluatePluginRequest {
    let inputs = ["a", "b"].map(|name| (name.to_owned(), "1".to_owned())).into();
    v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(v1::PluginSource { source: Some(source), ..Default::default() }),
        rows: vec![v1::PluginRow { inputs, ..Default::default() }],
        ..Default::default()
    }
}

fn formula() -> v1::EvaluatePluginRequest {
    evaluate(Source::Formula("input a\ninput b\nscore s = a + b\n".to_owned()))
}

/// Components that differ.
fn component(number: usize) -> Vec<u8> {
    Guest::good().with(|guest| guest.module = format!("(global i32 (i32.const {number}))")).component()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_plugin_holds_up_no_warm_one() {
    let gate = Gate::new();
    let harness = Harness::start_with(|config| {
        config.plugins.compiler = gate.compiler();
        (config.limits.computing_calls, config.limits.component_calls) = (1, 1);
    })
    .await;
    harness.team("acme").await;
    gate.open();
    harness.plugins().evaluate_plugin(formula()).await.unwrap();
    gate.close();
    let before = gate.begun();

    // Five components, each asked for four times.
    let mut cold = Vec::new();
    for number in 0..20 {
        let (mut plugins, request) =
            (harness.plugins(), evaluate(Source::Component(component(number % 5).into())));
        cold.push(tokio::spawn(async move { plugins.evaluate_plugin(request).await }));
    }
    until("a first component begins to be compiled", || gate.begun() > before).await;
    for _ in 0..20 {
        let answer = harness.plugins().evaluate_plugin(formula()).await.unwrap().into_inner();
        assert_eq!(answer.results.len(), 1);
    }
    // Published ones do not wait behind uploads either: a standard plugin that nobody has used so far.
    let standard = evaluate(Source::Standard("weighted_scorecard".to_owned()));
    let mut plugins = harness.plugins();
    let standard = tokio::spawn(async move { plugins.evaluate_plugin(standard).await });
    until("the standard plugin begins to be compiled", || gate.begun() >= before + 2).await;
    assert!(cold.iter().all(|call| !call.is_finished()), "they wait for the compiler");

    gate.open();
    for call in cold {
        let results = call.await.unwrap().unwrap().into_inner().results;
        assert_eq!(results[0].fault, None);
    }
    // Without parameters it says what it lacks.
    assert_eq!(reason(&standard.await.unwrap().unwrap_err()), "BAD_PARAMETERS");
    assert_eq!(gate.begun(), before + 6, "each component is compiled once");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_team_waits_for_what_another_one_uploads() {
    let gate = Gate::new();
    let harness = Harness::start_with(|config| {
        config.plugins.compiler = gate.compiler();
        (config.plugins.compiles, config.plugins.compile_wait_ms) = (2, 50);
    })
    .await;
    harness.team("acme").await;
    harness.team("other").await;
    let call = |team: &str, number| {
        let source = Source::Component(component(number).into());
        let request = v1::EvaluatePluginRequest { parent: format!("teams/{team}"), ..evaluate(source) };
        let mut plugins = harness.plugins();
        async move { plugins.evaluate_plugin(request).await }
    };
    let first = tokio::spawn(call("acme", 1));
    until("the first begins to be compiled", || gate.begun() >= 1).await;
    // One more of the same team has to wait, also where there is a place; another team's does not.
    let busy = call("acme", 2).await.unwrap_err();
    assert_eq!((busy.code(), reason(&busy).as_str()), (Code::ResourceExhausted, "BUSY"));
    for part in ["another uploaded component of teams/acme is being compiled", "plugins.compile_wait_ms"] {
        assert!(busy.message().contains(part), "{busy:?}");
    }
    let details = busy.get_error_details();
    assert!(details.retry_info().is_some_and(|info| info.retry_delay.is_some()), "{busy:?}");
    let other = tokio::spawn(call("other", 3));
    until("the other begins to be compiled", || gate.begun() >= 2).await;
    let missing = call("nobody", 4).await.unwrap_err();
    assert_eq!(reason(&missing), "NOT_FOUND");
    gate.open();
    for call in [first, other] {
        assert_eq!(call.await.unwrap().unwrap().into_inner().results[0].fault, None);
    }
    call("acme", 2).await.unwrap();
}

/// Whoever has a component made to take long has it compiled among its like; the others have places of their own.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_compiled_in_a_moment_waits_for_no_bomb() {
    let gate = Gate::for_long();
    let harness = Harness::start_with(|config| {
        config.plugins.compiler = gate.compiler();
        (config.plugins.compiles, config.plugins.compile_wait_ms) = (2, 600_000);
        config.plugins.try_out_compile_cpu_seconds = 2;
    })
    .await;
    for team in ["first", "second", "third"] {
        harness.team(team).await;
    }
    let call = |team: &str, component: Vec<u8>| {
        let source = Source::Component(component.into());
        let request = v1::EvaluatePluginRequest { parent: format!("teams/{team}"), ..evaluate(source) };
        let mut plugins = harness.plugins();
        async move { plugins.evaluate_plugin(request).await }
    };
    let bomb = |number: usize| {
        let blocks = format!("{}{}", "(block ".repeat(60_000), ")".repeat(60_000));
        let module = format!("(global i32 (i32.const {number})) (func {blocks})");
        Guest::good().with(|guest| guest.module = module).component()
    };
    let bombs = [tokio::spawn(call("first", bomb(1))), tokio::spawn(call("second", bomb(2)))];
    until("both bombs are among those that take long", || gate.begun() >= 2).await;
    let answer = call("third", component(1)).await.unwrap().into_inner();
    assert_eq!(answer.results[0].fault, None);
    assert!(bombs.iter().all(|bomb| !bomb.is_finished()));
    gate.open();
    for bomb in bombs {
        assert_eq!(reason(&bomb.await.unwrap().unwrap_err()), "INVALID_COMPONENT");
    }
}

/// A call with a large component has room that the large ones of all teams share.
#[tokio::test(flavor = "multi_thread")]
async fn few_large_components_of_a_team_wait() {
    let gate = Gate::new();
    let harness = Harness::start_with(|config| {
        config.plugins.compiler = gate.compiler();
        config.plugins.compile_wait_ms = 600_000;
    })
    .await;
    harness.team("acme").await;
    let call = |number: usize| {
        let custom = format!("(@custom \"large\" \"{}\")", number.to_string().repeat(5 << 20));
        let component = Guest::good().with(|guest| guest.module = custom).component();
        let (mut plugins, request) = (harness.plugins(), evaluate(Source::Component(component.into())));
        tokio::spawn(async move { plugins.evaluate_plugin(request).await })
    };
    // One is compiled, two wait; whichever comes fourth is told to come back.
    let mut calls: Vec<_> = (1..=4).map(call).collect();
    until("one is told to come back", || calls.iter().any(|call| call.is_finished())).await;
    let place = calls.iter().position(|call| call.is_finished()).unwrap();
    let busy = calls.remove(place).await.unwrap().unwrap_err();
    assert_eq!(reason(&busy), "BUSY");
    assert!(busy.message().contains("2 uploaded components of teams/acme wait for their turn"), "{busy:?}");
    gate.open();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().into_inner().results[0].fault, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_that_does_not_add_up_is_not_given() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let honest = Guest::good();
    let own = "(call $at (local.get $b) (local.get $i))";
    let liar = Guest::good().with(|guest| guest.explain = guest.explain.replace(own, "(i64.const 7)"));
    for (guest, refused) in [(honest, None), (liar, Some("CONTRACT_VIOLATION"))] {
        let v1::EvaluatePluginRequest { parent, plugin, rows, .. } =
            evaluate(Source::Component(guest.component().into()));
        let request = v1::ExplainPluginRequest { parent, plugin, rows, ..Default::default() };
        let answer = harness.plugins().explain_plugin(request).await;
        assert_eq!(answer.err().map(|status| reason(&status)).as_deref(), refused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_made_to_be_expensive_is_refused() {
    let harness = Harness::start_with(|config| {
        config.plugins.compiler = MERIT.into();
        config.plugins.compile_cpu_seconds = 1;
    })
    .await;
    harness.team("acme").await;
    let plugin = v1::Plugin { display_name: "Bomb".to_owned(), ..Default::default() };
    let request = v1::CreatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(plugin),
        plugin_id: "bomb".to_owned(),
        ..Default::default()
    };
    harness.plugins().create_plugin(request).await.unwrap();
    let bomb = Guest::good().with(|guest| {
        guest.module = format!("(func {} {})", "(block ".repeat(60_000), ")".repeat(60_000));
    });
    let request = v1::PublishPluginRevisionRequest {
        plugin: format!("{TEAM}/plugins/bomb"),
        source: Some(Published::Component(bomb.component().into())),
        ..Default::default()
    };
    let status = harness.plugins().publish_plugin_revision(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_COMPONENT"));
    assert!(status.message().contains("used up the 1 s of processor time"), "{status:?}");
    assert!(status.message().contains("plugins.compile_cpu_seconds"), "{status:?}");
    let request = v1::GetTeamRequest { name: TEAM.to_owned() };
    harness.organisation().get_team(request).await.unwrap();
}
