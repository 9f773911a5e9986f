//! Answers of a guest as they lie in its memory, by the canonical ABI: a guest that has one only returns its address.

use merit::sandbox::{Column, Fault, Input, Kind, Manifest, Outcome, Output, Role, Scope, Step, Values};

/// Where a guest's image begins in its memory.
const BASE: usize = 1024;

/// What stands in a guest's memory from the start.
#[derive(Clone, Default)]
pub struct Image {
    bytes: Vec<u8>,
}

impl Image {
    /// The image as a data segment in the text format.
    pub fn segment(&self) -> String {
        let escaped: String = self.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(data (i32.const {BASE}) \"{escaped}\")")
    }

    /// Puts bytes at an address that is a multiple of eight, and tells the address.
    pub fn put(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let address = BASE + self.bytes.len();
        self.bytes.extend(bytes);
        u32::try_from(address).expect("a small image")
    }

    /// `ok(manifest)`.
    pub fn manifest(&mut self, manifest: &Manifest) -> u32 {
        let mut record = words(&[0]);
        record.extend(self.text(&manifest.summary));
        record.extend(words(&[match manifest.scope {
            Scope::Row => 0,
            Scope::Group => 1,
        }]));
        for inputs in [&manifest.inputs, &manifest.line_inputs] {
            let items = inputs.iter().map(|input| self.input(input)).collect();
            record.extend(self.list(items));
        }
        let outputs = manifest.outputs.iter().map(|output| self.output(output)).collect();
        record.extend(self.list(outputs));
        self.put(&record)
    }

    /// `ok(outcome)`.
    pub fn outcome(&mut self, outcome: &Outcome) -> u32 {
        let columns = outcome.columns.iter().map(|column| self.column(column)).collect();
        let faults = outcome.faults.iter().map(|fault| self.fault(fault)).collect();
        let mut record = words(&[0]);
        record.extend(self.list(columns));
        record.extend(self.list(faults));
        self.put(&record)
    }

    /// `ok(steps)`.
    pub fn steps(&mut self, steps: &[Step]) -> u32 {
        let items = steps.iter().map(|step| self.step(step)).collect();
        let mut record = words(&[0]);
        record.extend(self.list(items));
        self.put(&record)
    }

    /// `err(refusal)`: case 0 is bad parameters, 1 a bad batch.
    pub fn refusal(&mut self, case: u32, text: &str) -> u32 {
        let mut record = words(&[1, case]);
        record.extend(self.text(text));
        self.put(&record)
    }

    fn text(&mut self, text: &str) -> Vec<u8> {
        let address = self.put(text.as_bytes());
        words(&[address, length(text.len())])
    }

    fn list(&mut self, items: Vec<Vec<u8>>) -> Vec<u8> {
        let address = self.put(&items.concat());
        words(&[address, length(items.len())])
    }

    fn input(&mut self, input: &Input) -> Vec<u8> {
        let mut record = self.text(&input.name);
        let kind = match input.kind {
            Kind::Number => 0,
            Kind::Text => 1,
        };
        record.extend([kind, input.scale, u8::from(input.required), 0]);
        record
    }

    fn output(&mut self, output: &Output) -> Vec<u8> {
        let mut record = self.text(&output.name);
        let role = match output.role {
            Role::Score => 0,
            Role::Payout => 1,
            Role::Grade => 2,
            Role::Detail => 3,
        };
        record.extend([role, output.scale, 0, 0]);
        record
    }

    fn column(&mut self, column: &Column) -> Vec<u8> {
        let mut record = self.text(&column.name);
        match &column.values {
            Values::Decimals(decimals) => {
                let items = decimals.unscaled.iter().map(|value| value.to_le_bytes().to_vec()).collect();
                record.extend(words(&[0, u32::from(decimals.scale)]));
                record.extend(self.list(items));
                record.extend(words(&[0]));
            }
            Values::Texts(texts) => {
                let dictionary = texts.dictionary.iter().map(|text| self.text(text)).collect();
                record.extend(words(&[1]));
                record.extend(self.list(dictionary));
                record.extend(self.list(texts.codes.iter().map(|code| words(&[*code])).collect()));
            }
        }
        record.extend(self.list(column.missing.iter().map(|row| words(&[*row])).collect()));
        record
    }

    fn fault(&mut self, fault: &Fault) -> Vec<u8> {
        let mut record = words(&[fault.row]);
        record.extend(self.text(&fault.message));
        record
    }

    fn step(&mut self, step: &Step) -> Vec<u8> {
        let mut record = self.text(&step.label);
        record.extend(match &step.output {
            None => words(&[0, 0, 0]),
            Some(name) => [words(&[1]), self.text(name)].concat(),
        });
        record.extend(words(&[0]));
        record.extend(step.unscaled.to_le_bytes());
        record.extend(words(&[u32::from(step.scale)]));
        record.extend(self.text(&step.note));
        record.extend(words(&[0]));
        record
    }
}

/// Numbers of 32 bits, as memory has them.
pub fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a small list")
}
