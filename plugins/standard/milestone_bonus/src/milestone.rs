//! A milestone: what it is worth, and how far it is achieved.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use merit_sdk::{Decimal, LARGEST_SHARE, ManifestBuilder, ParameterError, Parameters, Problems, Row, share};

/// A milestone.
pub struct Milestone {
    pub name: String,
    pub amount: Option<Decimal>,
    weight: Decimal,
    achieved: Achieved,
}

/// How an input says that a milestone is achieved.
enum Achieved {
    /// 1 or 0.
    Flag,
    /// A degree, nothing below the least, and no more than the most.
    Graded { least: Decimal, most: Decimal },
    /// A text, with a degree for each.
    Texts(Vec<(String, Decimal)>),
}

// === impl Milestone ===

impl Milestone {
    pub fn read(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["name", "weight", "amount", "graded", "least", "most", "texts"]));
        let name = problems.read(parameters.name("name")).to_owned();
        problems.check(name != "target_pay", || {
            parameters.error("name", "target_pay is an input with another meaning; give another name")
        });
        let amount = problems.read(parameters.optional_not_negative("amount"));
        problems.check(!(parameters.has("amount") && parameters.has("weight")), || {
            parameters.error("amount", "give either a weight or an amount")
        });
        let weight = match parameters.has("amount") {
            true => Decimal::ZERO,
            false => problems.read(parameters.positive("weight")),
        };
        let graded = problems.read(parameters.flag("graded"));
        let least = problems.read(parameters.optional_share("least"));
        let most = problems.read(parameters.optional_share("most"));
        problems.check(graded || !(parameters.has("least") || parameters.has("most")), || {
            let key = if parameters.has("least") { "least" } else { "most" };
            parameters.error(key, "is about degrees: set graded to true")
        });
        let (least, most) = (least.unwrap_or(Decimal::ZERO), most.unwrap_or(Decimal::ONE));
        problems.check(least <= most, || {
            parameters.error("least", &format!("has to be at most {most}, the most"))
        });
        let texts = match parameters.has("texts") {
            true => problems.read(parameters.decimals_by_text("texts")),
            false => Vec::new(),
        };
        for (text, degree) in &texts {
            problems.read(share(*degree).map_err(|what| parameters.error(&format!("texts.{text}"), &what)));
        }
        problems.check(!graded || texts.is_empty(), || {
            parameters.error("texts", "texts have degrees already: leave graded out")
        });
        problems.finish()?;
        let achieved = match (graded, texts.is_empty()) {
            (true, _) => Achieved::Graded { least, most },
            (false, true) => Achieved::Flag,
            (false, false) => {
                Achieved::Texts(texts.into_iter().map(|(text, degree)| (text.to_string(), degree)).collect())
            }
        };
        Ok(Self { name, amount, weight, achieved })
    }

    /// The weight, or the amount.
    pub fn worth(&self) -> Decimal {
        self.amount.unwrap_or(self.weight)
    }

    /// Adds the input that says how far it is achieved.
    pub fn input(&self, manifest: ManifestBuilder, required: bool) -> ManifestBuilder {
        match (&self.achieved, required) {
            (Achieved::Texts(_), true) => manifest.text(&self.name),
            (Achieved::Texts(_), false) => manifest.optional_text(&self.name),
            (_, true) => manifest.number(&self.name),
            (_, false) => manifest.optional_number(&self.name),
        }
    }

    /// How far it is achieved: 1 is whole. Nothing where that is not known.
    pub fn degree(&self, row: &Row<'_>) -> Result<Option<Decimal>, String> {
        let name = &self.name;
        if let Achieved::Texts(texts) = &self.achieved {
            let Some(text) = row.optional_text(name) else { return Ok(None) };
            let known = texts.iter().find(|(known, _)| known == text);
            return known.map(|(_, degree)| Some(*degree)).ok_or_else(|| {
                let known: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
                format!("{name} is {text:?}; it has to be one of {}", known.join(", "))
            });
        }
        let Some(degree) = row.optional_number(name) else { return Ok(None) };
        match self.achieved {
            // A percentage as a whole number would count as the most, and nobody would see it.
            Achieved::Graded { .. } if degree > LARGEST_SHARE => {
                share(degree).map(Some).map_err(|what| format!("{name} {what}"))
            }
            Achieved::Graded { least, .. } if degree < least => Ok(Some(Decimal::ZERO)),
            Achieved::Graded { most, .. } => Ok(Some(degree.min(most))),
            _ if degree == Decimal::ZERO || degree == Decimal::ONE => Ok(Some(degree)),
            _ => Err(format!("{name} is {degree}; it has to be 1 (achieved) or 0 (not)")),
        }
    }
}
