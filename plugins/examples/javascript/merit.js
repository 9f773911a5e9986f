// The contract merit:scoring@1.0.0 for JavaScript, and what the host would otherwise see as a trap without a word: what is
// thrown is told, and so is what is misspelt. The rule of the plugin is in plugin.js.
//
// Amounts are BigInt digits with a scale. Between here and the host numbers cross as plain ones, which are exact up to 2^53:
// a row with anything beyond is faulted.

const KINDS = ['number', 'text'];
const ROLES = ['score', 'payout', 'grade', 'detail'];
const NAME = /^[a-z][a-z0-9_]{0,62}$/;

// What an error says; those of JavaScript itself with what they are: `ReferenceError: quote is not defined`.
const message = (error) => (error instanceof Error && error.name === 'Error' ? error.message : String(error));

// What is thrown is told as a refusal of this kind.
const told = (tag, work) => {
  try {
    return work();
  } catch (error) {
    throw { tag, val: message(error) };
  }
};

const one = (what, value, known) => {
  if (!known.includes(value)) throw new TypeError(`${what} is ${JSON.stringify(value)}; give one of ${known.join(', ')}`);
  return value;
};

const only = (what, object, known) => {
  if (typeof object !== 'object' || object === null) throw new TypeError(`${what}: give an object with ${known.join(', ')}`);
  for (const key of Object.keys(object)) one(`a key of ${what}`, key, known);
};

const scaleOf = (what, scale) => {
  if (!Number.isInteger(scale) || scale < 0 || scale > 12) {
    throw new TypeError(`the scale of ${what} is ${scale}; give decimals from 0 to 12`);
  }
  return scale;
};

// An object of columns by name, in the contract's form.
const columns = (what, given = {}, keys, read) => Object.entries(given).map(([name, column]) => {
  if (!NAME.test(name)) throw new TypeError(`${what}: ${JSON.stringify(name)} is no name; give a-z, then a-z, 0-9 and _`);
  only(`${what}.${name}`, column, keys);
  return { name, ...read(`${what}.${name}`, column) };
});

const inputs = (what, given) => columns(what, given, ['kind', 'scale', 'required'], (path, { kind, scale, required }) => ({
  kind: one(`${path}.kind`, kind ?? 'number', KINDS),
  scale: scaleOf(path, scale ?? (kind === 'text' ? 0 : 6)),
  required: Boolean(required ?? true),
}));

function manifestOf(rule, parameters) {
  const given = rule.manifest(parameters);
  only('the manifest', given, ['summary', 'inputs', 'lineInputs', 'outputs']);
  return {
    summary: String(given.summary),
    scope: 'row',
    inputs: inputs('inputs', given.inputs),
    lineInputs: inputs('lineInputs', given.lineInputs),
    outputs: columns('outputs', given.outputs, ['role', 'scale'], (path, { role, scale }) => ({
      role: one(`${path}.role`, role, ROLES),
      scale: scaleOf(path, scale ?? 0),
    })),
  };
}

const safe = (what, number) => {
  if (!Number.isSafeInteger(number)) throw new RangeError(`${what} is beyond what JavaScript hands over exactly`);
  return number;
};

// The cell of a column: BigInt digits, a text, or undefined where there is none.
function cell({ name, values, missing }, index) {
  if (missing.length && missing.includes(index)) return undefined;
  if (values.tag === 'texts') return values.val.dictionary[values.val.codes[index]];
  return BigInt(safe(name, values.val.unscaled[index]));
}

function cells(columns, index) {
  const found = {};
  for (const column of columns) found[column.name] = cell(column, index);
  return found;
}

// A row: its inputs by name, and `lines`.
function rowOf(batch, index) {
  const row = cells(batch.columns, index);
  if (!batch.lines) return row;
  const { rowEnds, columns } = batch.lines;
  row.lines = [];
  for (let line = index ? rowEnds[index - 1] : 0; line < rowEnds[index]; line += 1) row.lines.push(cells(columns, line));
  return row;
}

const POWERS = Array.from({ length: 25 }, (_, exponent) => 10n ** BigInt(exponent));

// To another scale: halves away from zero, or to even.
function rounded(unscaled, from, to, rounding) {
  if (to >= from) return unscaled * POWERS[to - from];
  const power = POWERS[from - to];
  const size = unscaled < 0n ? -unscaled : unscaled;
  let whole = size / power;
  const twice = 2n * (size % power);
  if (twice > power || (twice === power && (rounding === 'half-up' || whole % 2n === 1n))) whole += 1n;
  return unscaled < 0n ? -whole : whole;
}

// What the steps of a row come to: for each output its digits or its text, or undefined where no step names it. Where `told`
// is given, the steps go there in the contract's form, with those that round.
function valuesOf(steps, outputs, context, told) {
  const sums = [], scales = [], values = [];
  for (const step of steps) {
    const { label, amount, scale } = step;
    const at = placeOf(step.output, outputs);
    if (step.grade !== undefined) {
      if (at < 0) throw new TypeError(`the grade ${step.grade} names no output`);
      values[at] = String(step.grade);
      continue;
    }
    if (typeof amount !== 'bigint') throw new TypeError(`the amount of ${label} is ${amount}; give a BigInt`);
    const unscaled = safe(label, Number(amount));
    scaleOf(label, scale);
    if (told) told.push({ output: step.output, label: String(label), unscaled, scale, note: String(step.note ?? '') });
    if (at < 0) continue;
    if (sums[at] === undefined) {
      sums[at] = amount;
      scales[at] = scale;
    } else if (scale === scales[at]) {
      sums[at] += amount;
    } else {
      const common = Math.max(scale, scales[at]);
      sums[at] = rounded(sums[at], scales[at], common) + rounded(amount, scale, common);
      scales[at] = common;
    }
  }
  for (let at = 0; at < outputs.length; at += 1) {
    const isText = outputs[at].role === 'grade';
    if (isText ? sums[at] !== undefined : values[at] !== undefined) {
      throw new TypeError(`${outputs[at].name} is ${isText ? 'a grade: give it no amounts' : 'a number: give it no grade'}`);
    }
    if (sums[at] !== undefined) values[at] = valueOf(sums[at], scales[at], outputs[at], context, told);
  }
  return values;
}

// Where the output is that a step names; -1 for a step that is no part of one.
function placeOf(name, outputs) {
  if (name === undefined) return -1;
  for (let at = 0; at < outputs.length; at += 1) if (outputs[at].name === name) return at;
  return one('the output of a step', name, outputs.map((output) => output.name));
}

const scaleIn = ({ role, scale }, context) => (role === 'payout' ? context.currencyScale : scale);

// The digits of an output, rounded once, with a step that says so.
function valueOf(sum, from, output, context, told) {
  const to = scaleIn(output, context);
  const value = rounded(sum, from, to, output.role === 'payout' ? context.rounding : 'half-even');
  if (told && from > to && value * POWERS[from - to] !== sum) {
    const unscaled = Number(value * POWERS[from - to] - sum);
    told.push({ output: output.name, label: 'rounding', unscaled, scale: from, note: `to ${to} decimals` });
  }
  return safe(output.name, Number(value));
}

function columnOf(output, context, values) {
  const missing = [];
  values.forEach((value, row) => value ?? missing.push(row));
  if (output.role === 'grade') {
    const dictionary = [...new Set(values.map((text) => text ?? ''))];
    const codes = values.map((text) => dictionary.indexOf(text ?? ''));
    return { name: output.name, values: { tag: 'texts', val: { dictionary, codes } }, missing };
  }
  const decimals = { scale: scaleIn(output, context), unscaled: values.map((value) => value ?? 0) };
  return { name: output.name, values: { tag: 'decimals', val: decimals }, missing };
}

// The plugin of a rule for single rows: `manifest(parameters)` says what it needs and gives, `score(row, context)` gives the
// steps whose amounts add up to the outputs. What `score` throws faults the row.
export function scoring(rule) {
  return {
    describe: (parameters) => told('bad-parameters', () => manifestOf(rule, parameters)),

    evaluate: (parameters, context, batch) => told('bad-batch', () => {
      const { outputs } = manifestOf(rule, parameters);
      const rows = [], faults = [];
      for (let row = 0; row < batch.rows; row += 1) {
        try {
          rows.push(valuesOf(rule.score(rowOf(batch, row), context), outputs, context));
        } catch (error) {
          rows.push([]);
          faults.push({ row, message: message(error) });
        }
      }
      return { columns: outputs.map((output, at) => columnOf(output, context, rows.map((row) => row[at]))), faults };
    }),

    explain: (parameters, context, batch, row) => told('bad-batch', () => {
      const steps = [];
      valuesOf(rule.score(rowOf(batch, row), context), manifestOf(rule, parameters).outputs, context, steps);
      return steps;
    }),
  };
}
