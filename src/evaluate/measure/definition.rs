//! What a measure is, checked and compiled: the expressions parsed, the fields found to be what they have to be.

use std::collections::BTreeMap;

use merit_expression::{Expression, Kind, Scope};

use crate::{
    model::{
        name::Name,
        rejection::{EvaluationReason, Reason, Rejection, ResourceReason},
        schema::{FieldKind, Schema, schemas},
    },
    proto::v1::{self, AggregateFunction as Function},
    resource::scope::CollectionScope,
};

/// The collection whose rows figures are for.
pub(in crate::evaluate) const ACCOUNT_MANAGERS: &str = "accountManagers";

/// The most decimals of a measure.
const SCALE_MAX: i32 = 12;

/// The most ratios that a ratio may be made of, one below the other.
const DEPTH_MAX: usize = 16;

/// A measure, compiled.
#[derive(Debug)]
pub(super) struct Definition {
    /// Decimals of its figures.
    pub scale: u8,
    /// Whether reports are counted, unless it is overridden; nothing where nothing is said of it.
    pub roll_up: Option<bool>,
    /// How the figure comes about.
    pub formula: Formula,
}

/// How a figure comes about.
#[derive(Debug)]
pub(super) enum Formula {
    /// From records.
    Aggregate(Box<Aggregate>),
    /// From two other measures.
    Ratio {
        /// What is divided.
        numerator: Name,
        /// What it is divided by.
        denominator: Name,
    },
}

/// An aggregate over records: declared as such, or over the values supplied from outside.
#[derive(Debug)]
pub(super) struct Aggregate {
    /// The collection.
    pub collection: String,
    /// Which records count.
    pub condition: Option<Expression>,
    /// Only records whose field `measure` is this name: those supplied for it.
    pub supplied_for: Option<String>,
    /// What is aggregated.
    pub value: Option<Expression>,
    /// How.
    pub function: Function,
    /// The field that refers to the account manager.
    pub owner_field: String,
    /// The field that places a record in a period.
    pub time_field: Option<String>,
}

// === impl Definition ===

impl Definition {
    /// Checks and compiles a measure.
    ///
    /// # Errors
    /// `INVALID_FIELD` and `INVALID_EXPRESSION`, which name the measure and the field.
    pub(super) fn compile(measure: &v1::Measure) -> Result<Self, Rejection> {
        let place = Place { measure: &measure.name };
        let scale = u8::try_from(measure.scale).ok().filter(|_| measure.scale <= SCALE_MAX);
        let scale = scale
            .ok_or_else(|| place.wrong("scale", format!("{} is not from 0 to {SCALE_MAX}", measure.scale)))?;
        let formula = match &measure.definition {
            Some(v1::measure::Definition::Aggregate(aggregate)) => {
                Formula::Aggregate(Box::new(Aggregate::compile(aggregate, &place)?))
            }
            Some(v1::measure::Definition::Ratio(ratio)) => Formula::Ratio {
                numerator: Name::parse(&ratio.numerator)?,
                denominator: Name::parse(&ratio.denominator)?,
            },
            Some(v1::measure::Definition::Supplied(supplied)) => {
                Formula::Aggregate(Box::new(Aggregate::supplied(measure, supplied, &place)?))
            }
            None => {
                return Err(place.wrong("definition", "one of aggregate, ratio and supplied is needed"));
            }
        };
        Ok(Self { scale, roll_up: roll_up(measure.roll_up()), formula })
    }
}

/// Whether reports are counted, as a measure or a request says; nothing where it does not.
pub(super) fn roll_up(given: v1::RollUp) -> Option<bool> {
    match given {
        v1::RollUp::Unspecified => None,
        v1::RollUp::Own => Some(false),
        v1::RollUp::ReportingLine => Some(true),
    }
}

/// Checks that every measure that a ratio names is there, and that none is made of itself.
///
/// # Errors
/// `REFERENCE_NOT_FOUND`, `MEASURE_CYCLE`, `INVALID_FIELD` for ratios of ratios of … beyond the depth allowed.
pub(super) fn check_references(definitions: &BTreeMap<Name, Definition>) -> Result<(), Rejection> {
    let mut depths = BTreeMap::new();
    definitions.keys().try_for_each(|name| depth(name, definitions, &mut Vec::new(), &mut depths).map(|_| ()))
}

/// How many ratios deep a measure is; 0 for one that is no ratio.
fn depth<'a>(
    name: &'a Name,
    definitions: &'a BTreeMap<Name, Definition>,
    above: &mut Vec<&'a Name>,
    depths: &mut BTreeMap<&'a Name, usize>,
) -> Result<usize, Rejection> {
    if let Some(start) = above.iter().position(|other| *other == name) {
        return Err(circle(&above[start..]));
    }
    let definition = definitions.get(name).ok_or_else(|| {
        Rejection::resource(ResourceReason::ReferenceNotFound, format!("there is no measure {name}"))
            .with("resource", name.to_string())
    })?;
    let Formula::Ratio { numerator, denominator } = &definition.formula else { return Ok(0) };
    if let Some(&known) = depths.get(name) {
        return Ok(known);
    }
    above.push(name);
    let mut deepest = 0;
    if above.len() <= DEPTH_MAX {
        for part in [numerator, denominator] {
            deepest = deepest.max(depth(part, definitions, above, depths)?);
        }
    }
    above.pop();
    if above.len() + deepest >= DEPTH_MAX {
        let description = format!("a ratio of ratios, and so on, at most {DEPTH_MAX} deep");
        return Err(Rejection::field("measure.ratio", description));
    }
    depths.insert(name, deepest + 1);
    Ok(deepest + 1)
}

fn circle(names: &[&Name]) -> Rejection {
    let names: Vec<String> = names.iter().chain(names.first()).map(ToString::to_string).collect();
    Rejection::new(
        Reason::Evaluation(EvaluationReason::MeasureCycle),
        format!("measures are made of each other in a circle: {}", names.join(" is made of ")),
    )
}

// === impl Aggregate ===

impl Aggregate {
    fn compile(aggregate: &v1::Aggregate, place: &Place<'_>) -> Result<Self, Rejection> {
        let collection = &aggregate.collection;
        let schema = schemas().get(collection).filter(|schema| !schema.computed).ok_or_else(|| {
            let known: Vec<&str> = schemas()
                .values()
                .filter(|schema| !schema.computed)
                .map(|schema| schema.collection.as_str())
                .collect();
            place.wrong("aggregate.collection", format!("{collection:?} is none of {}", known.join(", ")))
        })?;
        let fields = Fields { schema, place };
        let condition = fields.expression("aggregate.condition", &aggregate.condition)?;
        if let Some(condition) = &condition
            && condition.kind() != Kind::Boolean
        {
            let accepted = "a condition is expected, like `stage = \"WON\"`";
            return Err(place.invalid_expression("aggregate.condition", accepted));
        }
        let value = fields.expression("aggregate.value", &aggregate.value)?;
        let time_field = fields.time(&aggregate.time_field)?;
        let function = place.function("aggregate.function", aggregate.function(), time_field.is_some())?;
        check_value(value.as_ref(), function, place)?;
        fields.owner(&aggregate.owner_field)?;
        Ok(Self {
            collection: collection.clone(),
            condition,
            supplied_for: None,
            value,
            function,
            owner_field: aggregate.owner_field.clone(),
            time_field,
        })
    }

    fn supplied(
        measure: &v1::Measure,
        supplied: &v1::Supplied,
        place: &Place<'_>,
    ) -> Result<Self, Rejection> {
        let collection = "measureValues";
        let fields = Fields { schema: &schemas()[collection], place };
        Ok(Self {
            collection: collection.to_owned(),
            condition: None,
            supplied_for: Some(measure.name.clone()),
            value: fields.expression("supplied", "value")?,
            function: place.function("supplied.function", supplied.function(), true)?,
            owner_field: "account_manager".to_owned(),
            time_field: Some("period_start".to_owned()),
        })
    }
}

fn check_value(value: Option<&Expression>, function: Function, place: &Place<'_>) -> Result<(), Rejection> {
    let accepted = match (value.map(Expression::kind), function) {
        (_, Function::Count) | (Some(_), Function::Distinct) | (Some(Kind::Number), _) => return Ok(()),
        (None, _) => "a value is needed to do anything but count, like `amount`",
        (Some(_), _) => "a number is expected, like `amount` or `DAYS(close_date, engage_date)`",
    };
    Err(place.invalid_expression("aggregate.value", accepted))
}

/// The fields of the collection that a measure is about.
struct Fields<'a> {
    schema: &'static Schema,
    place: &'a Place<'a>,
}

// === impl Fields ===

impl Fields<'_> {
    fn expression(&self, field: &str, text: &str) -> Result<Option<Expression>, Rejection> {
        if text.is_empty() {
            return Ok(None);
        }
        Expression::compile(text, &CollectionScope::new(self.schema)).map(Some).map_err(|problems| {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            self.place.invalid_expression(field, told.join("; "))
        })
    }

    fn owner(&self, path: &str) -> Result<(), Rejection> {
        let field = self.schema.field(path);
        if field.is_some_and(|field| field.reference.as_deref() == Some(ACCOUNT_MANAGERS)) {
            return Ok(());
        }
        let accepted = self.paths(|schema, path| {
            schema.field(path).is_some_and(|field| field.reference.as_deref() == Some(ACCOUNT_MANAGERS))
        });
        let collection = &self.schema.collection;
        Err(self.place.wrong(
            "aggregate.owner_field",
            format!("{path:?} of {collection} does not refer to account managers; accepted: {accepted}"),
        ))
    }

    fn time(&self, path: &str) -> Result<Option<String>, Rejection> {
        let is_time = |schema: &Schema, path: &str| {
            schema
                .field(path)
                .is_some_and(|field| matches!(field.kind, FieldKind::Date | FieldKind::Timestamp))
        };
        if path.is_empty() || is_time(self.schema, path) {
            return Ok(Some(path.to_owned()).filter(|path| !path.is_empty()));
        }
        let collection = &self.schema.collection;
        let accepted = self.paths(is_time);
        Err(self.place.wrong(
            "aggregate.time_field",
            format!("{path:?} of {collection} is not a date; accepted: {accepted}"),
        ))
    }

    fn paths(&self, accepted: impl Fn(&Schema, &str) -> bool) -> String {
        let names = CollectionScope::new(self.schema).names();
        let paths: Vec<String> = names.into_iter().filter(|path| accepted(self.schema, path)).collect();
        if paths.is_empty() { "none of its fields".to_owned() } else { paths.join(", ") }
    }
}

/// Where something is wrong.
struct Place<'a> {
    measure: &'a str,
}

// === impl Place ===

impl Place<'_> {
    fn wrong(&self, field: &str, description: impl Into<String>) -> Rejection {
        self.rejection(Reason::Resource(ResourceReason::InvalidField), field, description.into())
    }

    fn invalid_expression(&self, field: &str, description: impl Into<String>) -> Rejection {
        self.rejection(Reason::Evaluation(EvaluationReason::InvalidExpression), field, description.into())
    }

    fn rejection(&self, reason: Reason, field: &str, description: String) -> Rejection {
        Rejection::new(reason, format!("{}: {field}: {description}", self.measure))
            .violation(format!("measure.{field}"), description)
    }

    fn function(&self, field: &str, function: Function, timed: bool) -> Result<Function, Rejection> {
        match function {
            Function::Unspecified => Err(self
                .wrong(field, "is needed: SUM, COUNT, DISTINCT, AVERAGE, MIN, MAX, FIRST, LAST or MEDIAN")),
            Function::First | Function::Last if !timed => {
                Err(self.wrong("aggregate.time_field", "is needed to tell the first and the last"))
            }
            function => Ok(function),
        }
    }
}
