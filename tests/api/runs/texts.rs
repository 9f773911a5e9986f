//! What plugins say has bounds: each text, all texts of a run, and every answer that repeats them.

use merit::{
    proto::v1::{self, RunState, plugin_source},
    sandbox::{Manifest, Output, Role},
};
use prost::Message;
use tonic::{Code, Status};

use super::{
    TEAM, added, component_step, evaluations, organisation, outputs, publish_component, run, silence,
};
use crate::{
    guest::{Guest, manifest},
    harness::{Harness, reason},
    image::words,
};

/// Bytes of an answer.
const ANSWER_BYTES: usize = 4_000_000;

/// One that gives every row the same text of so many bytes, in so many grades.
fn grading(grades: u32, bytes: u32) -> Guest {
    let name = |place: u32| format!("g{place}");
    let output = |place| Output { name: name(place), role: Role::Grade, scale: 0 };
    let described = Manifest { outputs: (0..grades).map(output).collect(), ..manifest() };
    Guest::good().with(|guest| {
        guest.memory = format!("(memory (export \"memory\") {})", 4 + bytes / 65_536);
        guest.describe = format!("(i32.const {})", guest.image.manifest(&described));
        // The one text of the dictionary; its bytes are where nothing else is, and are set to be letters.
        let dictionary = guest.image.put(&words(&[131_072, bytes]));
        let mut columns = Vec::new();
        for place in 0..grades {
            let text = name(place);
            let length = u32::try_from(text.len()).unwrap();
            columns.extend(words(&[guest.image.put(text.as_bytes()), length, 1, dictionary, 1, 0, 0, 0, 0]));
        }
        let columns = guest.image.put(&columns);
        let outcome = guest.image.put(&words(&[0, columns, grades, 0, 0]));
        let each: String = (0..grades)
            .map(|place| {
                let column = columns + 36 * place;
                format!(
                    "(i32.store (i32.const {}) (local.get $out)) (i32.store (i32.const {}) (local.get $rows))",
                    column + 20,
                    column + 24
                )
            })
            .collect();
        guest.evaluate = format!(
            "(local.set $rows (i32.load offset=36 (local.get $in)))
            (local.set $out (call $alloc (i32.mul (local.get $rows) (i32.const 4))))
            (memory.fill (i32.const 131072) (i32.const 120) (i32.const {bytes}))
            {each} (i32.const {outcome})"
        );
        silence(guest);
    })
}

fn evaluation(guest: &Guest, rows: usize) -> v1::EvaluatePluginRequest {
    let inputs = ["a", "b"].map(|name| (name.to_owned(), "1".to_owned())).into();
    let source = Some(plugin_source::Source::Component(guest.component().into()));
    v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(v1::PluginSource { source, ..Default::default() }),
        rows: vec![v1::PluginRow { inputs, ..Default::default() }; rows],
        ..Default::default()
    }
}

/// However many rows have it, and however little room it takes in the plugin's answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_too_long_is_a_fault_of_its_rows() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    let guest = grading(1, 10 << 20);
    publish_component(&harness, "long", guest.component()).await;
    let run = run(&harness, "q1", vec![component_step("long", "long", added())]).await;
    assert_eq!((run.state(), run.rows_faulted), (RunState::Succeeded, 10));
    for evaluation in evaluations(&harness, &run.name).await {
        let fault = &evaluation.faults[0];
        assert_eq!(fault.reason, "OUTPUT_TOO_LARGE");
        assert!(fault.message.contains("`g0` a text of 10485760 bytes; a grade may have 1024"), "{fault:?}");
    }
    let answer = harness.plugins().evaluate_plugin(evaluation(&guest, 20)).await.unwrap().into_inner();
    assert_eq!(answer.results.len(), 20);
    for result in answer.results {
        assert_eq!(result.fault.unwrap().reason, "OUTPUT_TOO_LARGE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_no_larger_than_clients_take() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let guest = grading(100, 1_000);
    let few = harness.plugins().evaluate_plugin(evaluation(&guest, 30)).await.unwrap().into_inner();
    assert!(few.encoded_len() > 3_000_000 && few.encoded_len() < ANSWER_BYTES, "{}", few.encoded_len());
    let status = harness.plugins().evaluate_plugin(evaluation(&guest, 50)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OUTPUT_TOO_LARGE"));
    let said = "the answer takes more than 4000000 bytes: ask for fewer rows, or have the plugin say less";
    assert!(status.message().contains(said), "{status:?}");
}

/// One that explains each row in so many steps that say nothing, at length.
fn explaining(steps: u32) -> Guest {
    Guest::good().with(|guest| {
        guest.memory = "(memory (export \"memory\") 20)".to_owned();
        let (text, list) = (guest.image.put("x".repeat(1_000).as_bytes()), 131_072);
        let record = words(&[text, 1_000, 0, 0, 0, 0, 0, 0, 0, text, 1_000, 0]);
        let record = guest.image.put(&record);
        let answer = guest.image.put(&words(&[0, list, steps]));
        guest.explain = format!(
            "(loop $next
                (memory.copy
                    (i32.add (i32.const {list}) (i32.mul (local.get $i) (i32.const 48))) (i32.const {record}) (i32.const 48))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $i) (i32.const {steps}))))
            (i32.const {answer})"
        );
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_no_larger_either() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    for (id, count, refused) in [("brief", 1_500, None), ("long", 3_000, Some("OUTPUT_TOO_LARGE"))] {
        let guest = explaining(count);
        let v1::EvaluatePluginRequest { parent, plugin, rows, .. } = evaluation(&guest, 1);
        let request = v1::ExplainPluginRequest { parent, plugin, rows, ..Default::default() };
        let told =
            harness.plugins().explain_plugin(request).await.map(|answer| answer.into_inner().steps.len());
        check_told(told, count, refused);
        publish_component(&harness, id, guest.component()).await;
        let run = run(&harness, id, vec![component_step(id, id, added())]).await;
        let request = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/a-1", run.name) };
        let told = harness.evaluations().explain_evaluation(request).await;
        let told = told.map(|answer| answer.into_inner().steps[0].explanation.len());
        check_told(told, count, refused);
    }
}

fn check_told(told: Result<usize, Status>, steps: u32, refused: Option<&str>) {
    match told {
        Ok(told) => assert_eq!((told, None), (steps as usize, refused)),
        Err(status) => assert_eq!(Some(reason(&status).as_str()), refused, "{status:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_end_where_they_get_too_large() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_component(&harness, "long", grading(200, 1_024).component()).await;
    let steps = ["one", "two", "three"].map(|step| component_step(step, "long", added()));
    let run = run(&harness, "q1", steps.to_vec()).await;
    assert_eq!((run.failure.as_str(), run.state()), ("", RunState::Succeeded));
    let mut request = v1::ListEvaluationsRequest { parent: run.name.clone(), ..Default::default() };
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let page = harness.evaluations().list_evaluations(request.clone()).await.unwrap().into_inner();
        assert!(page.encoded_len() < ANSWER_BYTES + 100_000, "{} bytes", page.encoded_len());
        found.extend(page.evaluations);
        pages += 1;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert!(pages > 1 && found.len() == 10, "{} of ten on {pages} pages", found.len());
    for step in ["one", "two", "three"] {
        assert_eq!(outputs(&found, step, "g199"), vec!["x".repeat(1_024); 10]);
    }
}
