//! Lists what a run found: filters and orders over score, payout, grade and every input and output, by pages.

use std::{cmp::Ordering, sync::Arc};

use merit_expression::{Column as ExpressionColumn, Kind, Scope, Unscaled, Values as ExpressionValues};
use prost::Message;

use super::{
    column::{Column, Values, count_u32},
    condition::{Condition, Rows},
    dataset::Dataset,
    evaluation::evaluation,
    evaluator::Evaluator,
    fields::is_missing,
    headline::Headline,
    population::ACCOUNT_MANAGERS,
    results::{account_manager, run_name},
};
use crate::{
    model::{
        name::Id,
        rejection::{Reason, Rejection, ResourceReason},
        schema::reference_form,
    },
    proto::v1,
    resource::page::{self, Binding, Position},
    store::WriteError,
};

/// The name of who was scored.
const ACCOUNT_MANAGER: &str = "account_manager";

/// The most names in an order.
const LARGEST_ORDER: usize = 16;

/// The columns of a dataset by the names that filters and orders use.
#[derive(Clone, Copy)]
struct Names<'a> {
    dataset: &'a Dataset,
    headline: &'a Headline,
    team: &'a Id,
}

/// A column to order by, and whether the largest come first.
struct OrderKey {
    column: ExpressionColumn,
    descending: bool,
}

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.ListEvaluations`.
    ///
    /// # Errors
    /// `INVALID_FILTER`, `INVALID_PAGE_TOKEN`, `INVALID_FIELD`, `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store
    /// fails.
    pub fn evaluations(
        &self,
        request: &v1::ListEvaluationsRequest,
    ) -> Result<v1::ListEvaluationsResponse, WriteError> {
        let name = run_name(&request.parent)?;
        let page = page::size(request.page_size.into())?;
        let run: v1::Run = self.resources().get(&name)?;
        let dataset = self.results().dataset(&run)?;
        let headline = Headline::of(&dataset.header);
        let names = Names { dataset: &dataset, headline: &headline, team: name.team() };
        // A dataset never changes: a place in its order stays what it is.
        let binding = Binding::new(&[
            "ListEvaluations",
            &request.parent,
            &request.filter,
            &request.order_by,
            &run.dataset,
        ]);
        let start = Position::read_number(&request.page_token, binding)?;
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let condition = Condition {
            field: "filter",
            reason: Reason::Resource(ResourceReason::InvalidFilter),
            text: &request.filter,
            example: "score >= 90",
        };
        let rows = names.ordered(condition.of(&names)?, &request.order_by)?;
        let (mut evaluations, mut bytes) = (Vec::new(), 0);
        for &row in rows.iter().skip(start).take(page) {
            let evaluation = evaluation(&dataset, &headline, &name, row as usize);
            bytes += evaluation.encoded_len();
            if bytes > page::PAGE_BYTES && !evaluations.is_empty() {
                break;
            }
            evaluations.push(evaluation);
        }
        let end = start.saturating_add(evaluations.len());
        let next_page_token = match end < rows.len() {
            true => Position::of_number(end as u64).token(binding),
            false => String::new(),
        };
        Ok(v1::ListEvaluationsResponse { evaluations, next_page_token })
    }
}

fn invalid_filter(what: impl Into<String>) -> Rejection {
    Rejection::resource(ResourceReason::InvalidFilter, what)
}

// === impl Names ===

impl Names<'_> {
    fn ordered(&self, mut rows: Vec<u32>, order_by: &str) -> Result<Vec<u32>, Rejection> {
        let keys = self.order_keys(order_by)?;
        if !keys.is_empty() {
            let compare = |a: &u32, b: &u32| {
                let decided = keys.iter().map(|key| key.compare(*a as usize, *b as usize));
                decided.fold(Ordering::Equal, Ordering::then).then(a.cmp(b))
            };
            rows.sort_unstable_by(compare);
        }
        Ok(rows)
    }

    fn order_keys(&self, order_by: &str) -> Result<Vec<OrderKey>, Rejection> {
        let mut keys = Vec::new();
        for part in order_by.split(',').map(str::trim).filter(|_| !order_by.trim().is_empty()) {
            let mut words = part.split_whitespace();
            let name = words.next().unwrap_or_default();
            let descending = match (words.next(), words.next()) {
                (None, _) => false,
                (Some(direction), None) if direction.eq_ignore_ascii_case("desc") => true,
                (Some(direction), None) if direction.eq_ignore_ascii_case("asc") => false,
                _ => {
                    return Err(invalid_filter(format!(
                        "order_by: {part:?}: a name and `desc` are expected"
                    )));
                }
            };
            let column = self.column(name).ok_or_else(|| {
                let known = self.names().join(", ");
                invalid_filter(format!("order_by: there is no {name:?}; there are {known}"))
            })?;
            keys.push(OrderKey { column, descending });
        }
        if keys.len() > LARGEST_ORDER {
            return Err(invalid_filter(format!("order_by: at most {LARGEST_ORDER} names are taken")));
        }
        Ok(keys)
    }

    /// The input or output `step.name`.
    fn data(&self, path: &str) -> Option<&Column> {
        let (step, name) = path.split_once('.')?;
        let (place, _) = self.dataset.header.live().find(|(_, header)| header.step == step)?;
        let (header, data) = (&self.dataset.header.steps[place], &self.dataset.steps[place]);
        if let Some(input) = header.inputs.iter().position(|input| input.name == name) {
            return Some(&data.inputs[input].column);
        }
        let output = header.outputs.iter().position(|output| output.name == name)?;
        Some(&data.outputs[output])
    }

    fn column(&self, name: &str) -> Option<ExpressionColumn> {
        let dataset = self.dataset;
        let rows = dataset.rows();
        let output = |place: Option<(usize, usize)>| {
            place.map(|(step, output)| convert(&dataset.steps[step].outputs[output]))
        };
        match name {
            ACCOUNT_MANAGER => {
                let names = dataset.ids.iter().map(|id| account_manager(self.team, id).into()).collect();
                let values = ExpressionValues::Text {
                    dictionary: Arc::new(names),
                    codes: Arc::new((0..count_u32(rows)).collect()),
                };
                Some(ExpressionColumn { values, missing: None })
            }
            "display_name" => {
                let texts = &dataset.display_names;
                let values = ExpressionValues::Text {
                    dictionary: Arc::new(texts.dictionary.clone()),
                    codes: Arc::new(texts.codes.clone()),
                };
                Some(ExpressionColumn { values, missing: None })
            }
            "score" => Some(output(self.headline.score).unwrap_or_else(|| no_numbers(rows))),
            "grade" => Some(output(self.headline.grade).unwrap_or_else(|| no_texts(rows))),
            "payout" => {
                let sums: Vec<Option<i128>> =
                    (0..rows).map(|row| self.headline.payout(dataset, row)).collect();
                let missing = sums.iter().map(Option::is_none).collect();
                let digits = sums.into_iter().map(Option::unwrap_or_default).collect();
                let unscaled = Unscaled::Wide(Arc::new(digits));
                let values = ExpressionValues::Number { scale: dataset.header.currency_scale, unscaled };
                Some(ExpressionColumn { values, missing: Some(Arc::new(missing)) })
            }
            "faulted" => {
                let values = ExpressionValues::Boolean(Arc::new(dataset.faulted()));
                Some(ExpressionColumn { values, missing: None })
            }
            path => self.data(path).map(convert),
        }
    }
}

impl Rows for Names<'_> {
    fn rows(&self) -> usize {
        self.dataset.rows()
    }

    fn scope(&self) -> impl Scope {
        *self
    }

    fn column(&self, name: &str) -> Option<Arc<ExpressionColumn>> {
        Self::column(self, name).map(Arc::new)
    }

    fn id(&self, row: usize) -> &str {
        &self.dataset.ids[row]
    }
}

impl Scope for Names<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        match name {
            ACCOUNT_MANAGER | "display_name" | "grade" => Some(Kind::Text),
            "score" | "payout" => Some(Kind::Number),
            "faulted" => Some(Kind::Boolean),
            path => Some(match self.data(path)?.values {
                Values::Number { .. } => Kind::Number,
                Values::Text(_) => Kind::Text,
            }),
        }
    }

    fn form(&self, name: &str, text: &str) -> Option<String> {
        (name == ACCOUNT_MANAGER).then(|| reference_form(ACCOUNT_MANAGERS, name, text))?
    }

    fn names(&self) -> Vec<String> {
        let fixed = [ACCOUNT_MANAGER, "display_name", "score", "payout", "grade", "faulted"];
        let steps = self.dataset.header.live().flat_map(|(_, step)| {
            let inputs = step.inputs.iter().map(|input| &input.name);
            let outputs = step.outputs.iter().map(|output| &output.name);
            inputs.chain(outputs).map(|name| format!("{}.{name}", step.step)).collect::<Vec<_>>()
        });
        fixed.into_iter().map(str::to_owned).chain(steps).collect()
    }
}

// === impl OrderKey ===

impl OrderKey {
    /// Missing values come last, whichever way the others go.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        let missing = |row: usize| is_missing(&self.column, row);
        match (missing(a), missing(b)) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        let order = match &self.column.values {
            ExpressionValues::Number { unscaled: Unscaled::Narrow(digits), .. } => digits[a].cmp(&digits[b]),
            ExpressionValues::Number { unscaled: Unscaled::Wide(digits), .. } => digits[a].cmp(&digits[b]),
            ExpressionValues::Text { dictionary, codes } => {
                dictionary[codes[a] as usize].cmp(&dictionary[codes[b] as usize])
            }
            ExpressionValues::Boolean(flags) => flags[a].cmp(&flags[b]),
            ExpressionValues::Date(days) => days[a].cmp(&days[b]),
        };
        if self.descending { order.reverse() } else { order }
    }
}

fn convert(column: &Column) -> ExpressionColumn {
    let values = match &column.values {
        Values::Number { scale, unscaled } => {
            ExpressionValues::Number { scale: *scale, unscaled: Unscaled::Narrow(Arc::new(unscaled.clone())) }
        }
        Values::Text(texts) => ExpressionValues::Text {
            dictionary: Arc::new(texts.dictionary.clone()),
            codes: Arc::new(texts.codes.clone()),
        },
    };
    let missing = column.missing.contains(&true).then(|| Arc::new(column.missing.clone()));
    ExpressionColumn { values, missing }
}

fn no_numbers(rows: usize) -> ExpressionColumn {
    convert(&Column::missing_numbers(0, rows))
}

fn no_texts(rows: usize) -> ExpressionColumn {
    let values =
        ExpressionValues::Text { dictionary: Arc::new(vec!["".into()]), codes: Arc::new(vec![0; rows]) };
    ExpressionColumn { values, missing: Some(Arc::new(vec![true; rows])) }
}
