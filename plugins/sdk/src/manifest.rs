//! Building a manifest: what a plugin needs and gives.

use alloc::{borrow::ToOwned, vec::Vec};

use crate::{Input, Kind, Manifest, Output, Role, Scope};

/// Decimals of numbers that do not say how many: enough for rates and money of every currency.
const SCALE: u8 = 6;

/// Builds a [`Manifest`].
pub struct ManifestBuilder(Manifest);

/// Begins a manifest of scope `row`; `summary` says in a line what the plugin does.
#[must_use]
pub fn manifest(summary: &str) -> ManifestBuilder {
    ManifestBuilder(Manifest {
        summary: summary.to_owned(),
        scope: Scope::Row,
        inputs: Vec::new(),
        line_inputs: Vec::new(),
        outputs: Vec::new(),
    })
}

// === impl ManifestBuilder ===

impl ManifestBuilder {
    /// The plugin sees whole groups, never parts of one.
    #[must_use]
    pub fn group(mut self) -> Self {
        self.0.scope = Scope::Group;
        self
    }

    /// A required number, with 6 decimals.
    #[must_use]
    pub fn number(self, name: &str) -> Self {
        self.input(Input { name: name.to_owned(), kind: Kind::Number, scale: SCALE, required: true })
    }

    /// A number that may be missing, with 6 decimals.
    #[must_use]
    pub fn optional_number(self, name: &str) -> Self {
        self.input(Input { name: name.to_owned(), kind: Kind::Number, scale: SCALE, required: false })
    }

    /// A required text.
    #[must_use]
    pub fn text(self, name: &str) -> Self {
        self.input(Input { name: name.to_owned(), kind: Kind::Text, scale: 0, required: true })
    }

    /// A text that may be missing.
    #[must_use]
    pub fn optional_text(self, name: &str) -> Self {
        self.input(Input { name: name.to_owned(), kind: Kind::Text, scale: 0, required: false })
    }

    /// A number that every detail line has, with 6 decimals.
    #[must_use]
    pub fn line_number(self, name: &str) -> Self {
        self.line_input(Input { name: name.to_owned(), kind: Kind::Number, scale: SCALE, required: true })
    }

    /// A number that may be missing in a detail line, with 6 decimals.
    #[must_use]
    pub fn optional_line_number(self, name: &str) -> Self {
        self.line_input(Input { name: name.to_owned(), kind: Kind::Number, scale: SCALE, required: false })
    }

    /// A text that every detail line has.
    #[must_use]
    pub fn line_text(self, name: &str) -> Self {
        self.line_input(Input { name: name.to_owned(), kind: Kind::Text, scale: 0, required: true })
    }

    /// A text that may be missing in a detail line.
    #[must_use]
    pub fn optional_line_text(self, name: &str) -> Self {
        self.line_input(Input { name: name.to_owned(), kind: Kind::Text, scale: 0, required: false })
    }

    /// Any input.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.0.inputs.push(input);
        self
    }

    /// Any input of a detail line.
    #[must_use]
    pub fn line_input(mut self, input: Input) -> Self {
        self.0.line_inputs.push(input);
        self
    }

    /// A score, with 6 decimals.
    #[must_use]
    pub fn score(self, name: &str) -> Self {
        self.output(Output { name: name.to_owned(), role: Role::Score, scale: SCALE })
    }

    /// Money to be paid, with the currency's decimals.
    #[must_use]
    pub fn payout(self, name: &str) -> Self {
        self.output(Output { name: name.to_owned(), role: Role::Payout, scale: 0 })
    }

    /// A mark, as text.
    #[must_use]
    pub fn grade(self, name: &str) -> Self {
        self.output(Output { name: name.to_owned(), role: Role::Grade, scale: 0 })
    }

    /// A figure on the way, with 6 decimals.
    #[must_use]
    pub fn detail(self, name: &str) -> Self {
        self.output(Output { name: name.to_owned(), role: Role::Detail, scale: SCALE })
    }

    /// Any output.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.0.outputs.push(output);
        self
    }

    /// The manifest.
    #[must_use]
    pub fn build(self) -> Manifest {
        self.0
    }
}
