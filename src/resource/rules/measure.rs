//! Measures over the records of a collection: fields that exist, expressions that fit what is made of them.

use merit_expression::Kind;

use super::expression;
use crate::{
    model::{
        evaluation::{check_owner_field, check_time_field, source_collection},
        finding::Findings,
    },
    proto::v1::{Aggregate, AggregateFunction, Measure, measure::Definition},
};

/// What a sum, a mean or a first value can be made of.
const NUMBERS: &[Kind] = &[Kind::Number];

/// What can be counted.
const ANYTHING: &[Kind] = &[Kind::Number, Kind::Text, Kind::Boolean, Kind::Date];

/// Checks how a measure comes about.
pub(super) fn check(measure: &Measure, findings: &mut Findings) {
    if let Some(Definition::Aggregate(aggregate)) = &measure.definition {
        check_aggregate(aggregate, findings);
    }
}

fn check_aggregate(aggregate: &Aggregate, findings: &mut Findings) {
    use AggregateFunction::{Count, Distinct, First, Last};
    let Some(schema) = source_collection(&aggregate.collection, "aggregate", findings) else { return };
    check_owner_field(schema, &aggregate.owner_field, "aggregate", findings);
    check_time_field(schema, &aggregate.time_field, "aggregate", findings);
    expression::check(&aggregate.condition, schema, &[Kind::Boolean], "aggregate.condition", findings);
    let function = aggregate.function();
    let wanted = if matches!(function, Count | Distinct) { ANYTHING } else { NUMBERS };
    expression::check(&aggregate.value, schema, wanted, "aggregate.value", findings);
    let name = function.as_str_name().trim_start_matches("AGGREGATE_FUNCTION_");
    if aggregate.value.trim().is_empty() && function != Count {
        findings.field("aggregate.value", format!("is required for {name}: an expression over the fields"));
    }
    if aggregate.time_field.is_empty() && matches!(function, First | Last) {
        findings.field("aggregate.time_field", format!("is required for {name}: it says what comes first"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates() {
        use AggregateFunction::{Count, Distinct, First, Sum};
        let check = |function: AggregateFunction,
                     condition: &str,
                     value: &str,
                     owner: &str,
                     time: &str,
                     expected: &str| {
            let aggregate = Aggregate {
                collection: "opportunities".into(),
                condition: condition.into(),
                value: value.into(),
                function: function.into(),
                owner_field: owner.into(),
                time_field: time.into(),
            };
            let mut findings = Findings::default();
            check_aggregate(&aggregate, &mut findings);
            let rejection = findings.refuse().err();
            let found = rejection.map_or(String::new(), |rejection| {
                let field = rejection.violations[0].field.trim_start_matches("aggregate.").to_owned();
                format!("{} {field}", rejection.reason.code())
            });
            assert_eq!(found, expected, "{aggregate:?}");
        };
        check(Sum, "stage = \"WON\"", "amount", "owner", "close_date", "");
        check(Count, "", "", "owner", "", "");
        check(Distinct, "", "customer", "owner", "", "");
        check(Sum, "", "", "owner", "close_date", "INVALID_FIELD value");
        check(Sum, "", "customer", "owner", "close_date", "INVALID_EXPRESSION value");
        check(Sum, "amount", "amount", "owner", "close_date", "INVALID_EXPRESSION condition");
        check(Sum, "stag = \"WON\"", "amount", "owner", "close_date", "INVALID_EXPRESSION condition");
        check(Sum, "stage = \"WONN\"", "amount", "owner", "close_date", "INVALID_EXPRESSION condition");
        check(Sum, "stage IN (\"won\", \"LOST\")", "amount", "owner", "close_date", "");
        // The version of a record is no data: views do not have it.
        check(Sum, "etag = \"1\"", "amount", "owner", "close_date", "INVALID_EXPRESSION condition");
        check(Count, "", "etag", "owner", "", "INVALID_EXPRESSION value");
        check(Sum, "", "amount", "customer", "close_date", "INVALID_FIELD owner_field");
        check(Sum, "", "amount", "nobody", "close_date", "INVALID_FIELD owner_field");
        check(Sum, "", "amount", "owner", "amount", "INVALID_FIELD time_field");
        check(First, "", "amount", "owner", "", "INVALID_FIELD time_field");
    }

    #[test]
    fn collections_exist_and_are_kept() {
        let check = |collection: &str, expected: bool| {
            let mut findings = Findings::default();
            source_collection(collection, "aggregate", &mut findings);
            assert_eq!(findings.is_empty(), expected, "{collection}");
        };
        check("opportunities", true);
        check("evaluations", false);
        check("deals", false);
    }
}
