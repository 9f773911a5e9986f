// The contract merit:scoring@1.0.0 for AssemblyScript: its types as they lie in memory (the component model's canonical
// ABI for wasm32), and what a plugin needs besides. The rule of the plugin is in plugin.ts.
//
// Every call has an instance of its own, so memory is taken and never given back: the instance goes as a whole.

export const enum Kind { Number, Text }
export const enum Role { Score, Payout, Grade, Detail }
export const enum Rounding { HalfUp, HalfEven }
export const enum Refusal { BadParameters, BadBatch }

/** Zeroed bytes that nobody else has. */
export function take(bytes: u32): u32 {
  const fresh = <u32>heap.alloc(bytes);
  memory.fill(fresh, 0, bytes);
  return fresh;
}

/** The host puts the arguments of a call into what it gets here. */
export function cabi_realloc(old: u32, oldBytes: u32, alignment: u32, bytes: u32): u32 {
  const fresh = take(bytes);
  memory.copy(fresh, old, min(oldBytes, bytes));
  return fresh;
}

/** The text of these bytes. */
export function text(data: u32, length: u32): string {
  return String.UTF8.decodeUnsafe(data, length);
}

function putText(at: u32, text: string): void {
  const length = <u32>String.UTF8.byteLength(text);
  const data = take(length);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, data);
  store<u32>(at, data);
  store<u32>(at, length, 4);
}

/** A list of so many items of so many bytes; answers where its items are. */
function putList(at: u32, count: u32, bytes: u32): u32 {
  const items = take(count * bytes);
  store<u32>(at, items);
  store<u32>(at, count, 4);
  return items;
}

/** What a call is asked: parameters, context, batch, row. */
export class Question {
  constructor(private at: u32) {}
  get currencyScale(): u8 { return load<u8>(this.at, 32); }
  get rounding(): Rounding { return <Rounding>load<u8>(this.at, 33); }
  get rows(): u32 { return load<u32>(this.at, 36); }
  get row(): u32 { return load<u32>(this.at, 68); }

  /** The digits of the number in an input's row. */
  number(input: u32, row: u32): i64 {
    const column = load<u32>(this.at, 40) + input * 36;
    return load<i64>(load<u32>(column, 16) + row * 8);
  }

  /** The text in an input's row. */
  text(input: u32, row: u32): string {
    const column = load<u32>(this.at, 40) + input * 36;
    const entry = load<u32>(column, 12) + load<u32>(load<u32>(column, 20) + row * 4) * 8;
    return text(load<u32>(entry), load<u32>(entry, 4));
  }
}

export function refuse(kind: Refusal, message: string): u32 {
  const answer = take(16);
  store<u8>(answer, 1);
  store<u8>(answer, kind, 4);
  putText(answer + 8, message);
  return answer;
}

export class Input {
  constructor(public name: string, public kind: Kind, public scale: u8, public required: bool) {}
}

export class Output {
  constructor(public name: string, public role: Role, public scale: u8) {}
}

/** A manifest of independent rows without detail lines. */
export function manifest(summary: string, inputs: Input[], outputs: Output[]): u32 {
  const answer = take(40);
  putText(answer + 4, summary);
  const input = putList(answer + 16, inputs.length, 12);
  for (let i: u32 = 0; i < <u32>inputs.length; i++) {
    putText(input + i * 12, inputs[i].name);
    store<u8>(input + i * 12, inputs[i].kind, 8);
    store<u8>(input + i * 12, inputs[i].scale, 9);
    store<u8>(input + i * 12, inputs[i].required, 10);
  }
  putList(answer + 24, 0, 12);
  const output = putList(answer + 32, outputs.length, 12);
  for (let i: u32 = 0; i < <u32>outputs.length; i++) {
    putText(output + i * 12, outputs[i].name);
    store<u8>(output + i * 12, outputs[i].role, 8);
    store<u8>(output + i * 12, outputs[i].scale, 9);
  }
  return answer;
}

/** The outcome of a batch: a column of numbers for every output, and rows that could not be scored. */
export class Outcome {
  private at: u32;
  private columns: u32;
  private faults: u32;

  constructor(outputs: u32, private rows: u32) {
    this.at = take(20);
    this.columns = putList(this.at + 4, outputs, 36);
    this.faults = putList(this.at + 12, rows, 12);
    store<u32>(this.at, 0, 16);
  }

  /** Begins the column of an output; answers where its digits go, 8 bytes each. */
  numbers(output: u32, name: string, scale: u8): u32 {
    const column = this.columns + output * 36;
    putText(column, name);
    store<u8>(column, scale, 12);
    putList(column + 28, 0, 4);
    return putList(column + 16, this.rows, 8);
  }

  fault(row: u32, message: string): void {
    const count = load<u32>(this.at, 16);
    store<u32>(this.faults + count * 12, row);
    putText(this.faults + count * 12 + 4, message);
    store<u32>(this.at, count + 1, 16);
  }

  answer(): u32 { return this.at; }
}

/** The steps of an explanation. */
export class Steps {
  private at: u32;
  private steps: u32;

  constructor(most: u32) {
    this.at = take(12);
    this.steps = putList(this.at + 4, most, 48);
    store<u32>(this.at, 0, 8);
  }

  add(label: string, output: string, unscaled: i64, scale: u8, note: string): void {
    const count = load<u32>(this.at, 8);
    const step = this.steps + count * 48;
    putText(step, label);
    store<u8>(step, 1, 8);
    putText(step + 12, output);
    store<i64>(step, unscaled, 24);
    store<u8>(step, scale, 32);
    putText(step + 36, note);
    store<u32>(this.at, count + 1, 8);
  }

  answer(): u32 { return this.at; }
}

/** Rounds digits from one scale to another: halves away from zero, or to even. */
export function rounded(unscaled: i64, from: i32, to: i32, rounding: Rounding): i64 {
  let power: i64 = 1;
  for (; to > from; to--) unscaled *= 10;
  for (; from > to; from--) power *= 10;
  if (power == 1) return unscaled;
  let whole = unscaled / power;
  const twice = abs(unscaled % power) * 2;
  if (twice > power || (twice == power && (rounding == Rounding.HalfUp || whole % 2 != 0))) {
    whole += unscaled < 0 ? -1 : 1;
  }
  return whole;
}
