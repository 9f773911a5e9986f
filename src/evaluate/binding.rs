//! Where each input of a step comes from: what the run binds, and what a name stands for that is not bound. Values are
//! made in `input` and `lines`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    binding_rules::{check_kind, constant, invalid_binding},
    dataset::{InputHeader, Kind, LineHeader, OutputHeader, Source, StepHeader, shadow_name},
    fields::{FieldExpression, has_field},
    plugins::LoadedPlugin,
    population::ACCOUNT_MANAGERS,
};
use crate::{
    model::{
        name::{Id, Name},
        nearest::nearest,
        rejection::Rejection,
        schema::schemas,
    },
    proto::v1,
    sandbox::{self, Scope},
};

/// The name of an input that, unless bound, is the target of the goals on the team's money measure.
const QUOTA: &str = "quota";

/// The most decimals that an input or output may have: what a dataset can hold.
const MAX_SCALE: u8 = 38;

/// A step whose inputs have their sources.
pub struct BoundStep {
    /// The plugin, with parameters and manifest.
    pub loaded: LoadedPlugin,
    /// What the dataset says about it.
    pub header: StepHeader,
    /// How its lines are found.
    pub lines: Option<v1::LineBinding>,
    /// Inputs, by their place, that stand for the team's quota and whose measure is yet to be found.
    pub quotas: Vec<usize>,
}

/// What is known while steps are bound.
pub struct Known<'a> {
    /// The team's measures, by name.
    pub measures: &'a BTreeMap<Name, v1::Measure>,
    /// The steps before.
    pub before: &'a [BoundStep],
    /// Decimals of the team's currency.
    pub currency_scale: u8,
}

/// Binds a step.
///
/// # Errors
/// `INVALID_BINDING` that says which input of which step, and what would be accepted.
pub fn bind(step: &v1::RunStep, loaded: LoadedPlugin, known: &Known<'_>) -> Result<BoundStep, Rejection> {
    let binder = Binder { step, known };
    let manifest = &loaded.manifest;
    binder.check_names(manifest)?;
    // That nothing is bound twice is a rule of runs.
    let bindings: BTreeMap<&str, &v1::InputBinding> =
        step.inputs.iter().map(|binding| (&*binding.input, binding)).collect();
    if let Some(unknown) =
        bindings.keys().find(|name| !manifest.inputs.iter().any(|input| input.name == **name))
    {
        let known = words(manifest.inputs.iter().map(|input| input.name.as_str()));
        return Err(binder.wrong(unknown, format!("the plugin has no such input; it has {known}")));
    }
    let (mut inputs, mut quotas) = (Vec::new(), Vec::new());
    for (place, input) in manifest.inputs.iter().enumerate() {
        let source = match bindings.get(input.name.as_str()).and_then(|binding| binding.source.as_ref()) {
            Some(source) => Some(binder.given(input, source)?),
            None => binder.by_name(input)?,
        };
        if let Some(source) = &source {
            binder.check_source(input, source)?;
        }
        let source = source.unwrap_or_else(|| {
            quotas.push(place);
            Source::Nothing
        });
        inputs.push(header(input, source));
    }
    let lines = binder.lines(manifest)?;
    let group_by = match manifest.scope {
        Scope::Group if !step.group_by.is_empty() => Some(step.group_by.clone()),
        Scope::Row if !step.group_by.is_empty() => {
            return Err(binder.wrong("group_by", "the plugin scores row by row: leave it empty"));
        }
        _ => None,
    };
    let outputs = manifest.outputs.iter().map(|output| OutputHeader {
        name: output.name.clone(),
        role: output.role.into(),
        scale: if output.role == sandbox::Role::Payout { known.currency_scale } else { output.scale },
    });
    let header = StepHeader {
        step: step.step.clone(),
        shadow_of: None,
        revision: step.revision.clone(),
        component: loaded.component.clone(),
        parameters: loaded.parameters.clone(),
        group_by,
        inputs,
        lines,
        outputs: outputs.collect(),
    };
    let lines = header.lines.is_some().then(|| step.lines.clone()).flatten();
    Ok(BoundStep { loaded, header, lines, quotas })
}

/// Binds the candidate beside a step, to what the step is bound to as far as the candidate takes it.
///
/// # Errors
/// As `bind`.
pub fn bind_shadow(
    step: &v1::RunStep,
    loaded: LoadedPlugin,
    known: &Known<'_>,
) -> Result<BoundStep, Rejection> {
    let mut shadow = v1::RunStep {
        step: shadow_name(&step.step),
        revision: step.shadow.clone(),
        plugin: String::new(),
        shadow: String::new(),
        ..step.clone()
    };
    let manifest = &loaded.manifest;
    shadow.inputs.retain(|bound| manifest.inputs.iter().any(|input| input.name == bound.input));
    if let Some(lines) = &mut shadow.lines {
        lines.fields.retain(|field| manifest.line_inputs.iter().any(|input| input.name == field.input));
    }
    if manifest.line_inputs.is_empty() {
        shadow.lines = None;
    }
    if manifest.scope == Scope::Row {
        shadow.group_by.clear();
    }
    let mut bound = bind(&shadow, loaded, known)?;
    bound.header.shadow_of = Some(step.step.clone());
    Ok(bound)
}

/// Binds the inputs of one step.
struct Binder<'a> {
    step: &'a v1::RunStep,
    known: &'a Known<'a>,
}

// === impl Binder ===

impl Binder<'_> {
    fn wrong(&self, input: &str, what: impl AsRef<str>) -> Rejection {
        invalid_binding(&self.step.step, input, what.as_ref())
    }

    /// Names are columns of the dataset: inputs and outputs share them.
    fn check_names(&self, manifest: &sandbox::Manifest) -> Result<(), Rejection> {
        let mut names = BTreeSet::new();
        let inputs = manifest.inputs.iter().map(|input| (&input.name, input.scale));
        let outputs = manifest.outputs.iter().map(|output| (&output.name, output.scale));
        for (name, scale) in inputs.chain(outputs) {
            if !names.insert(name) {
                return Err(self.wrong(name, "the plugin uses the name for two of its inputs and outputs"));
            }
            if scale > MAX_SCALE {
                return Err(self.wrong(name, format!("has {scale} decimals, at most {MAX_SCALE} are held")));
            }
        }
        Ok(())
    }

    /// The source that the run gives.
    fn given(&self, input: &sandbox::Input, source: &v1::input_binding::Source) -> Result<Source, Rejection> {
        use v1::input_binding::Source as Given;
        Ok(match source {
            Given::Measure(name) => self.measure(input, name)?,
            Given::Target(name) => {
                let measure = self.known_measure(input, name)?;
                self.number(input, &format!("the target of {name}"))?;
                Source::Target(measure.id().to_string())
            }
            Given::Attribute(expression) => Source::Attribute(expression.clone()),
            Given::Output(path) => self.output(input, path)?,
            Given::Constant(number) => {
                self.number(input, "a constant")?;
                Source::Constant(number.clone())
            }
        })
    }

    /// Checks what is written out in a source: that an expression gives, and a constant is, what the plugin takes.
    fn check_source(&self, input: &sandbox::Input, source: &Source) -> Result<(), Rejection> {
        let step = &self.step.step;
        match source {
            Source::Attribute(text) => self.check_expression(ACCOUNT_MANAGERS, text, input),
            Source::Constant(number) => constant(step, &input.name, number, input.scale).map(drop),
            _ => Ok(()),
        }
    }

    fn check_expression(
        &self,
        collection: &str,
        text: &str,
        input: &sandbox::Input,
    ) -> Result<(), Rejection> {
        let role = format!("step {}, {}", self.step.step, input.name);
        let expression = FieldExpression::compile(collection, text, &role)?;
        check_kind(&self.step.step, &input.name, text, expression.kind(), input.kind.into())
    }

    /// What the name of an input stands for; nothing for the quota, whose measure is found later.
    fn by_name(&self, input: &sandbox::Input) -> Result<Option<Source>, Rejection> {
        // Ids have hyphens where the names of inputs have underscores.
        let id = Id::parse(&input.name.replace('_', "-")).ok();
        let measure = self.known.measures.keys().find(|name| Some(name.id()) == id.as_ref());
        if let Some(measure) = measure {
            return self.measure(input, &measure.to_string()).map(Some);
        }
        if input.name == QUOTA {
            self.number(input, "a quota")?;
            return Ok(None);
        }
        if has_field(ACCOUNT_MANAGERS, &input.name) {
            return Ok(Some(Source::Attribute(input.name.clone())));
        }
        if !input.required {
            return Ok(Some(Source::Nothing));
        }
        Err(self.wrong(
            &input.name,
            format!(
                "is not bound, and there is neither a measure of that id nor such a field of account managers: bind it \
                 to a measure, a target, an attribute, an output of a step before, or a constant{}",
                self.meant(&input.name)
            ),
        ))
    }

    /// What the name of an input that is bound to nothing was probably to be, in words.
    fn meant(&self, name: &str) -> String {
        let measures = self.known.measures.keys().map(|name| name.id().as_str());
        let fields = schemas()[ACCOUNT_MANAGERS].fields.keys().map(String::as_str);
        if let Some(id) = nearest(&name.replace('_', "-"), measures) {
            return format!("; did you mean the measure {id}?");
        }
        let field = nearest(name, fields.filter(|path| has_field(ACCOUNT_MANAGERS, path)));
        field.map(|path| format!("; did you mean the attribute {path}?")).unwrap_or_default()
    }

    fn measure(&self, input: &sandbox::Input, name: &str) -> Result<Source, Rejection> {
        let name = self.known_measure(input, name)?;
        self.number(input, &format!("measure {}", name.id()))?;
        let scale = self.known.measures[&name].scale;
        self.fits(input, &format!("measure {}", name.id()), u8::try_from(scale).unwrap_or(u8::MAX))?;
        Ok(Source::Measure(name.id().to_string()))
    }

    fn known_measure(&self, input: &sandbox::Input, name: &str) -> Result<Name, Rejection> {
        let name = Name::parse(name)?;
        if self.known.measures.contains_key(&name) {
            return Ok(name);
        }
        Err(self.wrong(&input.name, format!("there is no measure {name}")))
    }

    fn output(&self, input: &sandbox::Input, path: &str) -> Result<Source, Rejection> {
        let found = path.split_once('.').and_then(|(step, output)| {
            let bound = self.known.before.iter().find(|bound| bound.header.step == step)?;
            bound.header.outputs.iter().find(|known| known.name == output).map(|known| (step, known))
        });
        let Some((step, output)) = found else {
            let outputs = self.known.before.iter().flat_map(|bound| {
                bound.header.outputs.iter().map(|output| format!("{}.{}", bound.header.step, output.name))
            });
            let known = words(outputs.collect::<Vec<_>>().iter().map(String::as_str));
            return Err(
                self.wrong(&input.name, format!("{path:?} is no output of a step before; there is {known}"))
            );
        };
        let (wanted, given) = (Kind::from(input.kind), output.role.kind());
        if wanted != given {
            let what = format!("the plugin wants a {}; {path} is a {}", wanted.word(), given.word());
            return Err(self.wrong(&input.name, what));
        }
        if output.role.kind() == Kind::Number {
            self.fits(input, path, output.scale)?;
        }
        Ok(Source::Output { step: step.to_owned(), output: output.name.clone() })
    }

    fn number(&self, input: &sandbox::Input, source: &str) -> Result<(), Rejection> {
        if input.kind == sandbox::Kind::Number {
            return Ok(());
        }
        Err(self.wrong(&input.name, format!("the plugin wants a text; {source} is a number")))
    }

    fn fits(&self, input: &sandbox::Input, source: &str, scale: u8) -> Result<(), Rejection> {
        if scale <= input.scale {
            return Ok(());
        }
        Err(self.wrong(
            &input.name,
            format!(
                "{source} has {scale} decimals, the plugin takes {}: nothing is rounded in silence",
                input.scale
            ),
        ))
    }

    fn lines(&self, manifest: &sandbox::Manifest) -> Result<Option<LineHeader>, Rejection> {
        let binding = self.step.lines.as_ref();
        if manifest.line_inputs.is_empty() {
            return match binding {
                Some(_) => Err(self.wrong("lines", "the plugin takes no detail lines")),
                None => Ok(None),
            };
        }
        let Some(binding) = binding else {
            let known = words(manifest.line_inputs.iter().map(|input| input.name.as_str()));
            return Err(self.wrong("lines", format!("the plugin takes detail lines ({known}): bind them")));
        };
        if let Some(field) =
            binding.fields.iter().find(|field| !manifest.line_inputs.iter().any(|i| i.name == field.input))
        {
            let known = words(manifest.line_inputs.iter().map(|input| input.name.as_str()));
            return Err(
                self.wrong(&field.input, format!("the plugin has no such line input; it has {known}"))
            );
        }
        let mut inputs = Vec::new();
        for input in &manifest.line_inputs {
            let given = binding.fields.iter().find(|field| field.input == input.name);
            let source = match given {
                Some(field) => Source::Field(field.value.clone()),
                None if has_field(&binding.collection, &input.name) => Source::Field(input.name.clone()),
                None if !input.required => Source::Nothing,
                None => {
                    return Err(self.wrong(
                        &input.name,
                        format!("is not bound, and {} have no such field", binding.collection),
                    ));
                }
            };
            if let Source::Field(text) = &source {
                self.check_expression(&binding.collection, text, input)?;
            }
            inputs.push(header(input, source));
        }
        Ok(Some(LineHeader { collection: binding.collection.clone(), inputs }))
    }
}

fn header(input: &sandbox::Input, source: Source) -> InputHeader {
    InputHeader {
        name: input.name.clone(),
        kind: input.kind.into(),
        scale: input.scale,
        source,
        bases: Vec::new(),
    }
}

/// A list for people; `nothing` where it is empty.
fn words<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
