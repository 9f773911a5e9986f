//! Measures of a period without a run: what `ComputeMeasures` answers.

use merit_expression::{Column, Values};

use super::{
    condition::Condition,
    evaluator::Evaluator,
    measure::{ACCOUNT_MANAGERS, Figures, MeasureSet, with_parts},
};
use crate::{
    model::{
        decimal::decimal_text,
        name::{Id, Name},
        period::Period,
        rejection::{Reason, Rejection, ResourceReason},
    },
    proto::v1,
    resource::{
        Resources,
        page::{self, Binding, Position},
    },
    store::WriteError,
    view::{View, Views},
};

/// The most measures of a request.
const MEASURES_MAX: usize = 50;

/// A page: the ids after this one, and how many.
struct Page {
    after: Option<Id>,
    size: usize,
    /// What binds its token to the request.
    binding: Binding,
}

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.ComputeMeasures`. Rows are by id of the account manager; each page sees the store as it is
    /// when it is asked for.
    ///
    /// # Errors
    /// `INVALID_FIELD`, `INVALID_NAME`, `INVALID_FILTER`, `INVALID_PAGE_TOKEN`; `NOT_FOUND` for a team or measure that
    /// is not there; `INVALID_EXPRESSION` and `MEASURE_CYCLE` for a measure that cannot be reckoned; `VIEW_TOO_LARGE`;
    /// when the store fails.
    pub fn compute_measures(
        &self,
        request: &v1::ComputeMeasuresRequest,
    ) -> Result<v1::ComputeMeasuresResponse, WriteError> {
        compute(self.resources(), self.views(), request)
    }
}

fn compute(
    resources: &Resources,
    views: &Views,
    request: &v1::ComputeMeasuresRequest,
) -> Result<v1::ComputeMeasuresResponse, WriteError> {
    let team = team(&request.parent)?;
    let period = Period::parse(&request.period_start, &request.period_end)?;
    let page = Page::of(request)?;
    let _: v1::Team = resources.get(&Name::of_team(team.clone()))?;
    let wanted = wanted(&request.measures, &team)?;
    let find = |name: &Name| resources.get(name).map(Some);
    let set = MeasureSet::compile(&with_parts(wanted.clone(), find)?)?;
    let collections: Vec<&str> = set.collections().into_iter().collect();
    let snapshot = views.snapshot(&team, &collections)?;
    let account_managers = snapshot.view(ACCOUNT_MANAGERS)?;
    let (rows, next_page_token) = page.rows(account_managers, &request.filter)?;
    let mut reckoning = set.reckoning(&snapshot, period)?;
    let figures = wanted
        .iter()
        .map(|measure| reckoning.figures(measure, request.roll_up()))
        .collect::<Result<Vec<Figures>, Rejection>>()?;
    let names = account_managers.column("display_name");
    let rows = rows.into_iter().map(|row| v1::MeasureRow {
        account_manager: account_managers.name(row).to_string(),
        display_name: names.as_ref().and_then(|names| text(names, row)).unwrap_or_default(),
        figures: figures.iter().map(|figures| figure(figures, row)).collect(),
    });
    Ok(v1::ComputeMeasuresResponse { rows: rows.collect(), next_page_token, sequence: snapshot.sequence })
}

fn team(parent: &str) -> Result<Id, Rejection> {
    let name = Name::parse(parent)?;
    if name.collection() == Name::TEAMS {
        return Ok(name.team().clone());
    }
    Err(Rejection::field("parent", format!("{parent:?} is not a team: teams/{{team}}")))
}

fn wanted(measures: &[String], team: &Id) -> Result<Vec<Name>, Rejection> {
    if measures.is_empty() || measures.len() > MEASURES_MAX {
        let given = measures.len();
        return Err(Rejection::field(
            "measures",
            format!("{given} are given: 1 to {MEASURES_MAX} are accepted"),
        ));
    }
    let name = |text: &String| {
        let name = Name::parse(text)?;
        if name.collection() == "measures" && name.team() == team {
            return Ok(name);
        }
        let accepted = format!("teams/{team}/measures/{{measure}}");
        Err(Rejection::field("measures", format!("{text:?} is not a measure of the team: {accepted}")))
    };
    measures.iter().map(name).collect()
}

fn figure(figures: &Figures, row: usize) -> v1::MeasureFigure {
    let value =
        figures.get(row).map(|unscaled| decimal_text(unscaled, figures.scale, false)).unwrap_or_default();
    let fault = figures.faults.binary_search_by_key(&row, |(faulted, _)| *faulted);
    let fault = fault.map(|place| figures.faults[place].1.clone()).unwrap_or_default();
    v1::MeasureFigure { value, records: figures.records[row], fault }
}

fn text(column: &Column, row: usize) -> Option<String> {
    let missing = column.missing.as_ref().is_some_and(|missing| missing[row]);
    match &column.values {
        Values::Text { dictionary, codes } if !missing => Some(dictionary[codes[row] as usize].to_string()),
        _ => None,
    }
}

// === impl Page ===

impl Page {
    fn of(request: &v1::ComputeMeasuresRequest) -> Result<Self, Rejection> {
        let roll_up = request.roll_up.to_string();
        let mut parts =
            vec!["ComputeMeasures", &request.parent, &request.period_start, &request.period_end, &roll_up];
        parts.push(&request.filter);
        parts.extend(request.measures.iter().map(String::as_str));
        let binding = Binding::new(&parts);
        let after = Position::read_id(&request.page_token, binding)?;
        Ok(Self { after, size: page::size(request.page_size.into())?, binding })
    }

    /// The rows of the page, and the token of the next.
    fn rows(&self, view: &View, filter: &str) -> Result<(Vec<usize>, String), Rejection> {
        let condition = Condition {
            field: "filter",
            reason: Reason::Resource(ResourceReason::InvalidFilter),
            text: filter,
            example: "region = \"North\"",
        };
        let mut rows: Vec<usize> = condition.of(view)?.into_iter().map(|row| row as usize).collect();
        rows.retain(|&row| self.after.as_ref().is_none_or(|after| *view.ids[row] > *after.as_str()));
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let last = rows.last().filter(|_| more);
        let token = last.map(|&row| Position::of_id(&view.ids[row]).token(self.binding));
        Ok((rows, token.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::store::{Database, Key, Origin};

    async fn put(database: &Database, name: &str, record: &impl Message) {
        let key = Key::of(&Name::parse(name).unwrap());
        let value = record.encode_to_vec().into();
        let origin = Origin { author: "anna".into(), method: "test".into(), request_id: String::new() };
        let write = database.write(origin, move |transaction| {
            transaction.put(key, value);
            Ok(())
        });
        write.await.unwrap();
    }

    /// Three account managers in two regions; ben has won two deals, one of which makes a measure that divides by it
    /// faulty.
    async fn organisation() -> Database {
        let database = Database::in_memory();
        put(&database, "teams/acme", &v1::Team { name: "teams/acme".into(), ..Default::default() }).await;
        for (id, region) in [("anna", "North"), ("ben", "South"), ("cid", "North")] {
            let name = format!("teams/acme/accountManagers/{id}");
            let display_name = id.to_uppercase();
            let record = v1::AccountManager {
                name: name.clone(),
                display_name,
                region: region.into(),
                ..Default::default()
            };
            put(&database, &name, &record).await;
        }
        for (id, amount) in [("d-1", "10.50"), ("d-2", "0")] {
            let name = format!("teams/acme/opportunities/{id}");
            let record = v1::Opportunity {
                name: name.clone(),
                owner: "teams/acme/accountManagers/ben".into(),
                stage: v1::OpportunityStage::Won.into(),
                amount: amount.into(),
                close_date: "2026-02-01".into(),
                ..Default::default()
            };
            put(&database, &name, &record).await;
        }
        for (id, value) in [("revenue", "amount"), ("odd", "1 / amount")] {
            let name = format!("teams/acme/measures/{id}");
            let aggregate = v1::Aggregate {
                collection: "opportunities".into(),
                value: value.into(),
                function: v1::AggregateFunction::Sum.into(),
                owner_field: "owner".into(),
                time_field: "close_date".into(),
                ..Default::default()
            };
            let definition = Some(v1::measure::Definition::Aggregate(aggregate));
            put(
                &database,
                &name,
                &v1::Measure { name: name.clone(), scale: 2, definition, ..Default::default() },
            )
            .await;
        }
        database
    }

    fn request() -> v1::ComputeMeasuresRequest {
        v1::ComputeMeasuresRequest {
            parent: "teams/acme".into(),
            measures: vec!["teams/acme/measures/revenue".into(), "teams/acme/measures/odd".into()],
            period_start: "2026-01-01".into(),
            period_end: "2026-04-01".into(),
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn pages_have_the_figures_of_those_who_pass() {
        let database = organisation().await;
        let (resources, views) = (Resources::new(database.clone()), Views::new(database.clone(), 1 << 30));
        let answer = |request: &v1::ComputeMeasuresRequest| compute(&resources, &views, request).unwrap();
        let ids = |answer: &v1::ComputeMeasuresResponse| {
            answer.rows.iter().map(|row| row.display_name.clone()).collect::<Vec<_>>()
        };
        let all = answer(&request());
        assert_eq!(
            (ids(&all), all.sequence),
            (vec!["ANNA".into(), "BEN".into(), "CID".into()], database.sequence())
        );
        let [revenue, odd] = &all.rows[1].figures[..] else { panic!("two figures") };
        assert_eq!((revenue.value.as_str(), revenue.records, revenue.fault.as_str()), ("10.50", 2, ""));
        assert!(odd.value.is_empty() && odd.fault.starts_with("measure odd: opportunities/d-2: "), "{odd:?}");
        let mut paged = v1::ComputeMeasuresRequest { page_size: 2, ..request() };
        let first = answer(&paged);
        paged.page_token = first.next_page_token.clone();
        let second = answer(&paged);
        assert_eq!((ids(&first), ids(&second)), (vec!["ANNA".into(), "BEN".into()], vec!["CID".into()]));
        assert!(second.next_page_token.is_empty());
        let filter = "region = \"North\"".to_owned();
        assert_eq!(ids(&answer(&v1::ComputeMeasuresRequest { filter, ..request() })), ["ANNA", "CID"]);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_request_is_said() {
        let database = organisation().await;
        let (resources, views) = (Resources::new(database.clone()), Views::new(database, 1 << 30));
        let check = |change: &dyn Fn(&mut v1::ComputeMeasuresRequest), reason: &str| {
            let mut request = request();
            change(&mut request);
            match compute(&resources, &views, &request) {
                Err(WriteError::Rejected(rejection)) => {
                    assert_eq!(rejection.reason.code(), reason, "{rejection}")
                }
                other => panic!("{other:?}"),
            }
        };
        check(&|request| request.parent = "teams/acme/runs/r".into(), "INVALID_FIELD");
        check(&|request| request.parent = "teams/nobody".into(), "NOT_FOUND");
        check(&|request| request.measures.clear(), "INVALID_FIELD");
        check(&|request| request.measures = vec!["teams/acme/measures/none".into()], "NOT_FOUND");
        check(&|request| request.measures = vec!["teams/other/measures/revenue".into()], "INVALID_FIELD");
        check(&|request| request.period_end = "2026-01-01".into(), "INVALID_FIELD");
        check(&|request| request.page_size = -1, "INVALID_FIELD");
        check(&|request| request.page_token = "x".into(), "INVALID_PAGE_TOKEN");
        check(&|request| request.filter = "regio = 1".into(), "INVALID_FILTER");
        check(&|request| request.filter = "region".into(), "INVALID_FILTER");
        // Of whom it cannot be told is nobody to be left out in silence.
        check(&|request| request.filter = "1 / (LEN(display_name) - 4) > 0".into(), "INVALID_FILTER");
    }
}
