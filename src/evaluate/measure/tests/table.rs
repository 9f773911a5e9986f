//! Each function, condition and roll-up over a small organisation: figures reckoned by hand.

use v1::{
    AggregateFunction as Function,
    OpportunityStage::{Engaging, Lost, Won},
    RollUp::{Own, ReportingLine},
};

use super::{super::MeasureSet, Organisation, figures, measure_name, over_deals, quarter, ratio, shown};
use crate::proto::v1;

/// anna leads ben and cid; cid leads dora; eve is alone and sells nothing.
fn organisation() -> Organisation {
    let mut organisation = Organisation::default();
    for (id, manager) in [("anna", ""), ("ben", "anna"), ("cid", "anna"), ("dora", "cid"), ("eve", "")] {
        organisation.account_manager(id, manager);
    }
    for (id, owner, stage, amount, close_date) in [
        ("d-01", "anna", Won, "100.10", "2026-01-01"),
        ("d-02", "ben", Won, "20", "2026-03-31"),
        ("d-03", "ben", Lost, "0", "2026-02-01"),
        ("d-04", "ben", Won, "7.55", "2026-02-01"),
        ("d-05", "ben", Won, "999", "2026-04-01"),
        ("d-06", "cid", Lost, "", "2026-01-15"),
        ("d-07", "dora", Won, "50", "2026-02-02"),
        ("d-08", "dora", Won, "30", "2026-02-02"),
        ("d-09", "dora", Won, "20", "2026-02-01"),
        ("d-10", "dora", Engaging, "1000", ""),
        ("d-11", "gone", Won, "1000", "2026-02-01"),
        ("d-12", "", Won, "1000", "2026-02-01"),
        ("d-13", "dora", Won, "8", "2025-12-31"),
    ] {
        organisation.deal(id, owner, stage, amount, close_date);
    }
    organisation
}

const WON: &str = "stage = \"WON\"";

#[test]
fn functions() {
    let organisation = organisation();
    let check = |function: Function, value: &str, scale: i32, roll_up: v1::RollUp, expected: [&str; 5]| {
        let measures = [over_deals("m", function, WON, value, scale)];
        let figures = figures(&organisation, &measures, "m", roll_up);
        assert_eq!(shown(&figures), expected, "{function:?} of {value:?}, {roll_up:?}");
    };
    check(Function::Sum, "amount", 2, Own, ["100.10", "27.55", "0.00", "100.00", "0.00"]);
    check(Function::Sum, "amount", 2, ReportingLine, ["227.65", "27.55", "100.00", "100.00", "0.00"]);
    check(Function::Sum, "amount * 10%", 2, Own, ["10.01", "2.76", "0.00", "10.00", "0.00"]);
    check(Function::Count, "", 0, Own, ["1", "2", "0", "3", "0"]);
    check(Function::Count, "", 0, ReportingLine, ["6", "2", "3", "3", "0"]);
    check(Function::Distinct, "amount", 0, Own, ["1", "2", "0", "3", "0"]);
    check(Function::Distinct, "amount", 0, ReportingLine, ["5", "2", "3", "3", "0"]);
    check(Function::Distinct, "close_date", 0, ReportingLine, ["4", "2", "2", "2", "0"]);
    check(Function::Average, "amount", 2, Own, ["100.10", "13.78", "-", "33.33", "-"]);
    check(Function::Average, "amount", 2, ReportingLine, ["37.94", "13.78", "33.33", "33.33", "-"]);
    check(Function::Min, "amount", 2, ReportingLine, ["7.55", "7.55", "20.00", "20.00", "-"]);
    check(Function::Max, "amount", 2, ReportingLine, ["100.10", "20.00", "50.00", "50.00", "-"]);
    check(Function::Max, "amount", 2, Own, ["100.10", "20.00", "-", "50.00", "-"]);
    check(Function::First, "amount", 2, Own, ["100.10", "7.55", "-", "20.00", "-"]);
    check(Function::First, "amount", 2, ReportingLine, ["100.10", "7.55", "20.00", "20.00", "-"]);
    check(Function::Last, "amount", 2, Own, ["100.10", "20.00", "-", "30.00", "-"]);
    check(Function::Last, "amount", 2, ReportingLine, ["20.00", "20.00", "30.00", "30.00", "-"]);
    check(Function::Median, "amount", 2, Own, ["100.10", "13.78", "-", "30.00", "-"]);
    check(Function::Median, "amount", 2, ReportingLine, ["25.00", "13.78", "30.00", "30.00", "-"]);
}

#[test]
fn the_first_and_the_last_of_a_day_go_by_the_instant() {
    let mut organisation = Organisation::default();
    organisation.account_manager("ben", "");
    // 2026-02-01, from 08:00 on; the names go the other way.
    for (id, minutes, nanos, amount) in [("d-3", 0, 0, "1"), ("d-2", 10, 1, "2"), ("d-1", 10, 0, "3")] {
        let record = v1::Opportunity {
            owner: Organisation::name("accountManagers", "ben"),
            create_time: Some(prost_types::Timestamp { seconds: 1_769_932_800 + minutes * 60, nanos }),
            amount: amount.into(),
            ..Default::default()
        };
        organisation.put("opportunities", id, &record);
    }
    let check = |function: Function, expected: &str| {
        let mut measure = over_deals("m", function, "", "amount", 0);
        if let Some(v1::measure::Definition::Aggregate(aggregate)) = &mut measure.definition {
            aggregate.time_field = "create_time".into();
        }
        assert_eq!(shown(&figures(&organisation, &[measure], "m", Own)), [expected], "{function:?}");
    };
    check(Function::First, "1");
    check(Function::Last, "2");
    check(Function::Count, "3");
}

#[test]
fn records_without_a_value_are_skipped() {
    let organisation = organisation();
    let check = |function: Function, expected: [&str; 5], records: [u64; 5]| {
        let measures = [over_deals("m", function, "", "amount", 0)];
        let figures = figures(&organisation, &measures, "m", Own);
        assert_eq!(
            (shown(&figures), figures.records),
            (expected.map(String::from).to_vec(), records.to_vec())
        );
    };
    check(Function::Count, ["1", "3", "0", "3", "0"], [1, 3, 0, 3, 0]);
    check(Function::Average, ["100", "9", "-", "33", "-"], [1, 3, 0, 3, 0]);
}

#[test]
fn texts_are_distinct_as_the_language_compares_them() {
    let mut organisation = organisation();
    for (id, location) in [("c-1", "abc"), ("c-2", "ABC"), ("c-3", "Élan"), ("c-4", "éLAN"), ("c-5", "abd")]
    {
        let owner = Organisation::name("accountManagers", "ben");
        organisation.put(
            "customers",
            id,
            &v1::Customer { owner, location: location.into(), ..Default::default() },
        );
    }
    let check = |function: Function, condition: &str, value: &str, expected: &str| {
        let mut measure = over_deals("m", function, condition, value, 0);
        if let Some(v1::measure::Definition::Aggregate(aggregate)) = &mut measure.definition {
            (aggregate.collection, aggregate.time_field) = ("customers".into(), String::new());
        }
        assert_eq!(shown(&figures(&organisation, &[measure], "m", Own))[1], expected, "{condition} {value}");
    };
    check(Function::Count, "location = \"aBc\"", "", "2");
    check(Function::Count, "location = \"ÉLAN\"", "", "2");
    check(Function::Distinct, "", "location", "3");
    check(Function::Distinct, "", "location & \"!\"", "3");
}

#[test]
fn what_is_not_known_is_not_0() {
    let mut organisation = organisation();
    for (id, owner, employees, founded_year) in [
        ("c-1", "ben", Some(100), Some(1990)),
        ("c-2", "ben", None, None),
        ("c-3", "dora", Some(0), None),
        ("c-4", "eve", None, None),
    ] {
        let owner = Organisation::name("accountManagers", owner);
        let record = v1::Customer { owner, employees, founded_year, ..Default::default() };
        organisation.put("customers", id, &record);
    }
    let check = |function: Function, condition: &str, value: &str, expected: [&str; 5]| {
        let mut measure = over_deals("m", function, condition, value, 0);
        if let Some(v1::measure::Definition::Aggregate(aggregate)) = &mut measure.definition {
            (aggregate.collection, aggregate.time_field) = ("customers".into(), String::new());
        }
        assert_eq!(shown(&figures(&organisation, &[measure], "m", Own)), expected, "{function:?} {value}");
    };
    check(Function::Average, "", "employees", ["-", "100", "-", "0", "-"]);
    check(Function::Min, "", "founded_year", ["-", "1990", "-", "-", "-"]);
    check(Function::Count, "", "employees", ["0", "1", "0", "1", "0"]);
    check(Function::Count, "employees = 0", "", ["0", "0", "0", "1", "0"]);
    check(Function::Count, "ISMISSING(employees)", "", ["0", "1", "0", "0", "1"]);
}

#[test]
fn without_a_time_field_every_record_counts_in_every_period() {
    let mut measure = over_deals("m", Function::Count, "", "", 0);
    if let Some(v1::measure::Definition::Aggregate(aggregate)) = &mut measure.definition {
        aggregate.time_field.clear();
    }
    assert_eq!(shown(&figures(&organisation(), &[measure], "m", Own)), ["1", "4", "1", "5", "0"]);
}

#[test]
fn ratios_divide_what_is_not_rounded_and_rolled_up() {
    let organisation = organisation();
    let closed = "stage IN (\"WON\", \"LOST\")";
    let mut measures = vec![
        over_deals("won", Function::Count, WON, "", 0),
        over_deals("closed", Function::Count, closed, "", 0),
        over_deals("average", Function::Average, WON, "amount", 0),
        ratio("win-rate", "won", "closed", 4),
        ratio("odd", "average", "win-rate", 6),
    ];
    let check =
        |measures: &[v1::Measure], id: &str, roll_up: v1::RollUp, expected: [&str; 5], records: [u64; 5]| {
            let figures = figures(&organisation, measures, id, roll_up);
            assert_eq!(shown(&figures), expected, "{id} {roll_up:?}");
            assert_eq!(figures.records, records, "{id} {roll_up:?}");
        };
    check(&measures, "win-rate", Own, ["1.0000", "0.6667", "0.0000", "1.0000", "-"], [1, 3, 1, 3, 0]);
    check(
        &measures,
        "win-rate",
        ReportingLine,
        ["0.7500", "0.6667", "0.7500", "1.0000", "-"],
        [8, 3, 4, 3, 0],
    );
    // 27.55 / 2 / (2 / 3) = 20.6625, and not 14 / 0.6667; dora's 100 / 3 is not cut either.
    check(&measures, "odd", Own, ["100.100000", "20.662500", "-", "33.333333", "-"], [1, 3, 1, 3, 0]);
    measures[3].roll_up = ReportingLine.into();
    let unspecified = v1::RollUp::Unspecified;
    check(&measures, "win-rate", unspecified, ["0.7500", "0.6667", "0.7500", "1.0000", "-"], [8, 3, 4, 3, 0]);
}

#[test]
fn parts_of_a_ratio_roll_up_by_their_own_setting() {
    let organisation = organisation();
    let unspecified = v1::RollUp::Unspecified;
    let check = |parts: [v1::RollUp; 2],
                 own: v1::RollUp,
                 asked: v1::RollUp,
                 expected: [&str; 5],
                 records: [u64; 5]| {
        let rolling = |roll_up: v1::RollUp, measure| v1::Measure { roll_up: roll_up.into(), ..measure };
        let closed = "stage IN (\"WON\", \"LOST\")";
        let measures = [
            rolling(parts[0], over_deals("won", Function::Count, WON, "", 0)),
            rolling(parts[1], over_deals("closed", Function::Count, closed, "", 0)),
            rolling(own, ratio("rate", "won", "closed", 2)),
            // A ratio of ratios leaves it to what they are made of.
            ratio("again", "rate", "rate", 0),
        ];
        let rate = figures(&organisation, &measures, "rate", asked);
        assert_eq!(shown(&rate), expected, "{parts:?} {own:?} {asked:?}");
        assert_eq!(rate.records, records, "{parts:?} {own:?} {asked:?}");
        let again = figures(&organisation, &measures, "again", asked);
        assert_eq!(again.records, records, "{parts:?} {own:?} {asked:?}");
    };
    // anna has 1 of 1, her line 6 of 8; cid none of 1, with dora 3 of 4.
    let (owned, rolled) = (["1.00", "0.67", "0.00", "1.00", "-"], ["0.75", "0.67", "0.75", "1.00", "-"]);
    let (few, many) = ([1, 3, 1, 3, 0], [8, 3, 4, 3, 0]);
    check([unspecified; 2], unspecified, unspecified, owned, few);
    check([ReportingLine; 2], unspecified, unspecified, rolled, many);
    check([Own, ReportingLine], unspecified, unspecified, ["0.12", "0.67", "0.00", "1.00", "-"], many);
    // The won ones of the line, and the one that anna, or cid, has closed.
    check(
        [ReportingLine, Own],
        unspecified,
        unspecified,
        ["6.00", "0.67", "3.00", "1.00", "-"],
        [6, 3, 4, 3, 0],
    );
    check([Own, ReportingLine], Own, unspecified, owned, few);
    check([Own; 2], ReportingLine, unspecified, rolled, many);
    check([Own, ReportingLine], Own, ReportingLine, rolled, many);
    check([ReportingLine; 2], ReportingLine, Own, owned, few);
}

#[test]
fn supplied_values_count_in_the_period_of_their_first_day() {
    let mut organisation = organisation();
    for (id, measure, account_manager, period_start, value) in [
        ("v-1", "satisfaction", "ben", "2026-01-01", "4.5"),
        ("v-2", "satisfaction", "ben", "2026-03-31", "3.5"),
        ("v-3", "satisfaction", "ben", "2026-04-01", "1"),
        ("v-4", "other", "ben", "2026-02-01", "2"),
        ("v-5", "satisfaction", "dora", "2026-02-01", "5"),
    ] {
        let record = v1::MeasureValue {
            measure: Organisation::name("measures", measure),
            account_manager: Organisation::name("accountManagers", account_manager),
            period_start: period_start.into(),
            value: value.into(),
            ..Default::default()
        };
        organisation.put("measureValues", id, &record);
    }
    let check = |function: Function, roll_up: v1::RollUp, expected: [&str; 5]| {
        let supplied = v1::Supplied { function: function.into() };
        let measure = v1::Measure {
            name: Organisation::name("measures", "satisfaction"),
            scale: 2,
            definition: Some(v1::measure::Definition::Supplied(supplied)),
            ..Default::default()
        };
        assert_eq!(
            shown(&figures(&organisation, &[measure], "satisfaction", roll_up)),
            expected,
            "{function:?}"
        );
    };
    check(Function::Average, Own, ["-", "4.00", "-", "5.00", "-"]);
    check(Function::Average, ReportingLine, ["4.33", "4.00", "5.00", "5.00", "-"]);
    check(Function::Last, Own, ["-", "3.50", "-", "5.00", "-"]);
    check(Function::Sum, Own, ["0.00", "8.00", "0.00", "5.00", "0.00"]);
}

#[test]
fn bases_are_what_a_figure_comes_from_in_the_end() {
    let rolling = |measure| v1::Measure { roll_up: ReportingLine.into(), ..measure };
    let measures = [
        over_deals("won", Function::Count, WON, "", 0),
        rolling(over_deals("lost", Function::Count, "stage = \"LOST\"", "", 0)),
        ratio("odds", "won", "lost", 2),
        rolling(ratio("again", "odds", "won", 2)),
    ];
    let set = MeasureSet::compile(&measures).unwrap();
    let organisation = organisation();
    let snapshot = organisation.snapshot(&set.collections().into_iter().collect::<Vec<_>>());
    let mut reckoning = set.reckoning(&snapshot, quarter()).unwrap();
    let unspecified = v1::RollUp::Unspecified;
    let check = |id: &str, above: v1::RollUp, expected: &[(&str, bool)]| {
        let found = reckoning.bases(&measure_name(id), above).unwrap();
        let found: Vec<_> = found.iter().map(|(name, rolled_up)| (name.id().as_str(), *rolled_up)).collect();
        assert_eq!(found, expected, "{id} {above:?}");
    };
    check("won", unspecified, &[("won", false)]);
    check("odds", unspecified, &[("lost", true), ("won", false)]);
    check("odds", Own, &[("lost", false), ("won", false)]);
    check("again", unspecified, &[("lost", true), ("won", true)]);
    check("again", Own, &[("lost", false), ("won", false)]);
    let counted = reckoning.counted(&measure_name("won")).unwrap();
    let ids: Vec<&str> = counted.rows.iter().map(|&row| &*counted.view.ids[row as usize]).collect();
    assert_eq!(ids, ["d-01", "d-02", "d-04", "d-07", "d-08", "d-09"]);
    assert_eq!(counted.owners, [0, 1, 1, 3, 3, 3]);
    assert!(reckoning.counted(&measure_name("odds")).is_err());
}

#[test]
fn a_record_that_cannot_be_valued_is_a_fault_of_its_owner_and_of_those_above() {
    let organisation = organisation();
    let measures = [
        over_deals("m", Function::Sum, WON, "100 / (amount - 20)", 2),
        over_deals("won", Function::Count, WON, "", 0),
        ratio("r", "m", "won", 2),
        over_deals("c", Function::Count, "1 / (amount - 20) > 0", "", 0),
    ];
    let check = |id: &str, roll_up: v1::RollUp, expected: [&str; 5]| {
        assert_eq!(shown(&figures(&organisation, &measures, id, roll_up)), expected, "{id} {roll_up:?}");
    };
    check("m", Own, ["1.25", "!", "0.00", "!", "0.00"]);
    check("m", ReportingLine, ["!", "!", "!", "!", "0.00"]);
    check("r", Own, ["1.25", "!", "-", "!", "-"]);
    check("c", Own, ["1", "!", "0", "!", "0"]);
    let faults = figures(&organisation, &measures, "m", ReportingLine).faults;
    let (row, message) = &faults[1];
    assert_eq!(*row, 1);
    assert!(message.starts_with("measure m: opportunities/d-02: "), "{message}");
}

#[test]
fn what_cannot_be_held_is_a_fault() {
    let mut organisation = organisation();
    // 24 digits at scale 4, to the fourth power of ten: more than 38 digits once there are enough of them.
    organisation.deal("d-99", "ben", Won, "999999999999999999999999999999999", "2026-02-01");
    let measures = [over_deals("m", Function::Sum, WON, "amount", 12)];
    assert_eq!(
        shown(&figures(&organisation, &measures, "m", Own)),
        ["100.100000000000", "!", "0.000000000000", "100.000000000000", "0.000000000000"]
    );
}

#[test]
fn what_is_wrong_with_a_measure_is_said() {
    let good = || over_deals("m", Function::Sum, WON, "amount", 2);
    let check = |change: &dyn Fn(&mut v1::Aggregate), reason: &str, field: &str, said: &str| {
        let mut measure = good();
        if let Some(v1::measure::Definition::Aggregate(aggregate)) = &mut measure.definition {
            change(aggregate);
        }
        let rejection = MeasureSet::compile(&[measure]).unwrap_err();
        assert_eq!(rejection.reason.code(), reason, "{rejection}");
        assert_eq!(rejection.violations[0].field, field, "{rejection}");
        assert!(rejection.message.contains(said), "{rejection}");
    };
    check(
        &|a| a.collection = "deals".into(),
        "INVALID_FIELD",
        "measure.aggregate.collection",
        "opportunities",
    );
    check(
        &|a| a.collection = "evaluations".into(),
        "INVALID_FIELD",
        "measure.aggregate.collection",
        "is none of",
    );
    check(
        &|a| a.owner_field = "customer".into(),
        "INVALID_FIELD",
        "measure.aggregate.owner_field",
        "accepted: owner",
    );
    check(&|a| a.time_field = "amount".into(), "INVALID_FIELD", "measure.aggregate.time_field", "close_date");
    check(&|a| a.function = 0, "INVALID_FIELD", "measure.aggregate.function", "MEDIAN");
    check(
        &|a| a.condition = "amount".into(),
        "INVALID_EXPRESSION",
        "measure.aggregate.condition",
        "a condition",
    );
    check(
        &|a| a.condition = "stag = \"WON\"".into(),
        "INVALID_EXPRESSION",
        "measure.aggregate.condition",
        "column 1",
    );
    check(
        &|a| a.condition = "amount > 1 AND stage = \"WONN\"".into(),
        "INVALID_EXPRESSION",
        "measure.aggregate.condition",
        "column 24: `stage` is never \"WONN\"; did you mean `WON`?; it is one of PROSPECTING, ENGAGING, WON, LOST",
    );
    check(&|a| a.value = "stage".into(), "INVALID_EXPRESSION", "measure.aggregate.value", "a number");
    check(&|a| a.value.clear(), "INVALID_EXPRESSION", "measure.aggregate.value", "a value is needed");
    check(&|a| a.value = "etag".into(), "INVALID_EXPRESSION", "measure.aggregate.value", "column 1");
    let first = |a: &mut v1::Aggregate| (a.function, a.time_field) = (Function::First.into(), String::new());
    check(&first, "INVALID_FIELD", "measure.aggregate.time_field", "first and the last");
}

#[test]
fn ratios_have_their_parts_and_an_end() {
    let check = |measures: &[v1::Measure], reason: &str, said: &str| {
        let rejection = MeasureSet::compile(measures).unwrap_err();
        assert_eq!(rejection.reason.code(), reason, "{rejection}");
        assert!(rejection.message.contains(said), "{rejection}");
    };
    let count = over_deals("n", Function::Count, "", "", 0);
    check(&[count.clone(), ratio("a", "n", "b", 2)], "REFERENCE_NOT_FOUND", "teams/acme/measures/b");
    check(&[ratio("a", "a", "a", 2)], "MEASURE_CYCLE", "measures/a is made of teams/acme/measures/a");
    check(&[ratio("a", "b", "b", 2), ratio("b", "a", "a", 2)], "MEASURE_CYCLE", "circle");
    let chain = |length: usize| {
        let links = (0..length).map(|link| ratio(&format!("r-{link}"), &format!("r-{}", link + 1), "n", 0));
        links
            .chain([over_deals(&format!("r-{length}"), Function::Count, "", "", 0), count.clone()])
            .collect::<Vec<_>>()
    };
    assert!(MeasureSet::compile(&chain(16)).is_ok());
    check(&chain(17), "INVALID_FIELD", "at most 16 deep");
    check(&chain(5000), "INVALID_FIELD", "at most 16 deep");
    let nothing = v1::Measure { name: Organisation::name("measures", "m"), ..Default::default() };
    check(&[nothing], "INVALID_FIELD", "one of aggregate, ratio and supplied");
    check(&[over_deals("m", Function::Count, "", "", 13)], "INVALID_FIELD", "0 to 12");
}
