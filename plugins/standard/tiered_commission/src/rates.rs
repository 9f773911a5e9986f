//! The base rate that the multipliers of tiers multiply: one for all, or by an input of the row or deal.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use merit_sdk::{Decimal, Line, ManifestBuilder, ParameterError, Parameters, Problems, Row};

/// Names that an input cannot have, since they mean something else.
const TAKEN: &[&str] =
    &["amount", "quota", "target_pay", "before", "share", "deal", "refund_of", "original_rate"];

/// Where the base rate comes from.
#[derive(Default)]
pub enum BaseRate {
    /// Tiers have rates of their own.
    #[default]
    None,
    /// One for all.
    Fixed(Decimal),
    /// The number of an input, or `otherwise` where that is missing.
    Number { input: String, otherwise: Option<Decimal> },
    /// By the text of an input, or `otherwise` for other texts and where it is missing.
    ByText { input: String, rates: Vec<(String, Decimal)>, otherwise: Option<Decimal> },
}

// === impl BaseRate ===

impl BaseRate {
    /// Reads the parameter `base_rate`.
    pub fn read(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        if !parameters.has_object("base_rate") {
            let rate = parameters.optional_not_negative("base_rate")?;
            return Ok(rate.map_or(Self::None, Self::Fixed));
        }
        let given = parameters.object("base_rate")?;
        let mut problems = Problems::new();
        problems.read(given.only(&["input", "rates", "otherwise"]));
        let input = problems.read(given.name("input")).to_owned();
        problems.check(!TAKEN.contains(&input.as_str()), || {
            given.error("input", &format!("{input} is an input with another meaning; give another name"))
        });
        let otherwise = problems.read(given.optional_not_negative("otherwise"));
        let mut rates = Vec::new();
        if given.has("rates") {
            for (text, rate) in problems.read(given.decimals_by_text("rates")) {
                problems.check(rate >= Decimal::ZERO, || {
                    given.error(&format!("rates.{text}"), "has to be 0 or above")
                });
                rates.push((text.to_string(), rate));
            }
        }
        problems.finish()?;
        Ok(match rates.is_empty() {
            true => Self::Number { input, otherwise },
            false => Self::ByText { input, rates, otherwise },
        })
    }

    /// Adds the input to the manifest, to that of the deals if they have it.
    pub fn input(&self, manifest: ManifestBuilder, of_deals: bool) -> ManifestBuilder {
        match self {
            Self::None | Self::Fixed(_) => manifest,
            Self::Number { input, otherwise } => match (of_deals, otherwise.is_some()) {
                (false, false) => manifest.number(input),
                (false, true) => manifest.optional_number(input),
                (true, false) => manifest.line_number(input),
                (true, true) => manifest.optional_line_number(input),
            },
            Self::ByText { input, otherwise, .. } => match (of_deals, otherwise.is_some()) {
                (false, false) => manifest.text(input),
                (false, true) => manifest.optional_text(input),
                (true, false) => manifest.line_text(input),
                (true, true) => manifest.optional_line_text(input),
            },
        }
    }

    /// The base rate of a row.
    pub fn of_row(&self, row: &Row<'_>) -> Result<Decimal, String> {
        self.find(|input| row.optional_number(input), |input| row.optional_text(input))
    }

    /// The base rate of a deal.
    pub fn of_deal(&self, deal: &Line<'_>) -> Result<Decimal, String> {
        self.find(|input| deal.optional_number(input), |input| deal.optional_text(input))
    }

    fn find<'a>(
        &self,
        number: impl Fn(&str) -> Option<Decimal>,
        text: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Decimal, String> {
        match self {
            Self::None => Ok(Decimal::ONE),
            Self::Fixed(rate) => Ok(*rate),
            Self::Number { input, otherwise } => match number(input).or(*otherwise) {
                Some(rate) if rate < Decimal::ZERO => Err(format!("{input} is {rate}; a rate is 0 or above")),
                Some(rate) => Ok(rate),
                None => Err(format!("{input} is missing")),
            },
            Self::ByText { input, rates, otherwise } => {
                let text = text(input);
                let known = text.and_then(|text| rates.iter().find(|(known, _)| known == text));
                known.map(|(_, rate)| *rate).or(*otherwise).ok_or_else(|| match text {
                    Some(text) => format!("{input} is {text:?}, for which there is no rate"),
                    None => format!("{input} is missing"),
                })
            }
        }
    }
}
