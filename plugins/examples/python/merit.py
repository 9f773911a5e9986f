"""The contract merit:scoring@1.0.0 for Python, and what the host would otherwise see as a trap without a word: what is raised
is told, and so is what is misspelt. The rule of the plugin is in app.py.

Amounts are whole numbers with a scale, of any size while they are computed with; what 64 bits do not hold faults its row."""

import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import plugin as contract

KINDS = {"number": contract.Kind.NUMBER, "text": contract.Kind.TEXT}
ROLES = {
    "score": contract.Role.SCORE,
    "payout": contract.Role.PAYOUT,
    "grade": contract.Role.GRADE,
    "detail": contract.Role.DETAIL,
}
NAME = re.compile("[a-z][a-z0-9_]{0,62}")


def message(error):
    """What an error says; those of Python itself with what they are: `NameError: name 'quote' is not defined`."""
    return str(error) if type(error) in (Exception, ValueError) else f"{type(error).__name__}: {error}"


def told(refusal, work):
    """What is raised is told as a refusal of this kind."""
    try:
        return work()
    except Exception as error:
        raise Err(refusal(message(error))) from error


def one(what, value, known):
    if value not in known:
        raise TypeError(f"{what} is {value!r}; give one of {', '.join(known)}")
    return value


def scale_of(what, scale):
    if not isinstance(scale, int) or not 0 <= scale <= 12:
        raise TypeError(f"the scale of {what} is {scale!r}; give decimals from 0 to 12")
    return scale


def columns(what, given, keys):
    """Columns by name, in order, checked: their names, and the keys of what is said of them."""
    for name, column in given.items():
        if not NAME.fullmatch(name):
            raise TypeError(f"{what}: {name!r} is no name; give a-z, then a-z, 0-9 and _")
        for key in column:
            one(f"a key of {what}.{name}", key, keys)
    return given.items()


def inputs_of(what, given):
    inputs = []
    for name, column in columns(what, given, ["kind", "scale", "required"]):
        kind = one(f"{what}.{name}.kind", column.get("kind", "number"), KINDS)
        scale = scale_of(name, column.get("scale", 0 if kind == "text" else 6))
        inputs.append(contract.Input(name, KINDS[kind], scale, bool(column.get("required", True))))
    return inputs


def manifest_of(rule, parameters):
    given = rule.manifest(parameters)
    for key in given:
        one("a key of the manifest", key, ["summary", "inputs", "line_inputs", "outputs"])
    outputs = []
    for name, column in columns("outputs", given["outputs"], ["role", "scale"]):
        role = one(f"outputs.{name}.role", column.get("role"), ROLES)
        outputs.append(contract.Output(name, ROLES[role], scale_of(name, column.get("scale", 0))))
    inputs = inputs_of("inputs", given.get("inputs", {}))
    line_inputs = inputs_of("line_inputs", given.get("line_inputs", {}))
    return contract.Manifest(str(given["summary"]), contract.Scope.ROW, inputs, line_inputs, outputs)


def cells_of(columns):
    """The cells of every column by its name: digits, texts, or None where there is none."""
    found = {}
    for column in columns:
        values = column.values.value
        if isinstance(column.values, contract.Values_Texts):
            cells = [values.dictionary[code] for code in values.codes]
        else:
            cells = list(values.unscaled)
        for row in column.missing:
            cells[row] = None
        found[column.name] = cells
    return found


def rows_of(batch):
    """The rows: their inputs by name, and `lines`."""
    cells = cells_of(batch.columns)
    rows = [{name: column[row] for name, column in cells.items()} for row in range(batch.rows)]
    if batch.lines is not None:
        cells, start = cells_of(batch.lines.columns), 0
        for row, end in zip(rows, batch.lines.row_ends):
            row["lines"] = [{name: column[line] for name, column in cells.items()} for line in range(start, end)]
            start = end
    return rows


def rounded(unscaled, scale, to, rounding):
    """To another scale: halves away from zero, or to even."""
    if to >= scale:
        return unscaled * 10 ** (to - scale)
    power = 10 ** (scale - to)
    whole, rest = divmod(abs(unscaled), power)
    up = 2 * rest > power or 2 * rest == power and (rounding == contract.Rounding.HALF_UP or whole % 2 == 1)
    return (whole + up) * (1 if unscaled >= 0 else -1)


LARGEST = 2**63 - 1


def held(what, amount):
    """An amount that the contract can hold."""
    if type(amount) is not int:
        raise TypeError(f"{what} is {amount!r}; give a whole number of digits")
    if not -LARGEST <= amount <= LARGEST:
        raise OverflowError(f"{what} is too large")
    return amount


class Target:
    """An output as the team's context has it: the scale that it is rounded to, and how."""

    def __init__(self, output, context):
        payout = output.role == contract.Role.PAYOUT
        self.name = output.name
        self.is_grade = output.role == contract.Role.GRADE
        self.scale = context.currency_scale if payout else output.scale
        self.rounding = context.rounding if payout else contract.Rounding.HALF_EVEN

    def column(self, values):
        missing = [row for row, value in enumerate(values) if value is None]
        if self.is_grade:
            dictionary = list(dict.fromkeys(value or "" for value in values))
            codes = {text: code for code, text in enumerate(dictionary)}
            found = contract.Values_Texts(contract.Texts(dictionary, [codes[value or ""] for value in values]))
        else:
            found = contract.Values_Decimals(contract.Decimals(self.scale, [value or 0 for value in values]))
        return contract.Column(self.name, found, missing)


def targets_of(rule, parameters, context):
    return {output.name: Target(output, context) for output in manifest_of(rule, parameters).outputs}


def values_of(steps, targets, told_steps=None):
    """What the steps of a row come to: for each output its digits or its text, None where no step names it. Where a list is
    given, the steps go there in the contract's form, with those that round."""
    sums, grades = {}, {}
    for step in steps:
        output = step.get("output")
        if output not in targets and (output is not None or "grade" in step):
            one("the output of a step", output, targets)
        if "grade" in step:
            grades[output] = str(step["grade"])
            continue
        label, scale = step.get("label", ""), step.get("scale")
        amount = held(label, step.get("amount"))
        scale_of(label, scale)
        if told_steps is not None:
            told_steps.append(contract.Step(str(label), output, amount, scale, str(step.get("note", ""))))
        if output is not None:
            so_far, common = sums.get(output, (0, scale))
            finest = common if common > scale else scale
            sums[output] = (so_far * 10 ** (finest - common) + amount * 10 ** (finest - scale), finest)
    values = []
    for name, target in targets.items():
        if name in (sums if target.is_grade else grades):
            raise TypeError(f"{name} is a {'grade: give it no amounts' if target.is_grade else 'number: give it no grade'}")
        if name not in sums:
            values.append(grades.get(name))
            continue
        total, scale = sums[name]
        value = held(name, rounded(total, scale, target.scale, target.rounding))
        values.append(value)
        rest = value * 10 ** (scale - target.scale) - total if scale > target.scale else 0
        if rest and told_steps is not None:
            told_steps.append(contract.Step("rounding", name, rest, scale, f"to {target.scale} decimals"))
    return values


class Scoring(exports.Plugin):
    """A plugin that scores single rows: `manifest(parameters)` says what it needs and gives, `score(row, context)` gives the
    steps whose amounts add up to the outputs. What `score` raises faults the row."""

    def describe(self, parameters):
        return told(contract.Refusal_BadParameters, lambda: manifest_of(self, parameters))

    def evaluate(self, parameters, context, batch):
        return told(contract.Refusal_BadBatch, lambda: self.outcome(parameters, context, batch))

    def outcome(self, parameters, context, batch):
        targets = targets_of(self, parameters, context)
        rows, faults = [], []
        for index, row in enumerate(rows_of(batch)):
            try:
                rows.append(values_of(self.score(row, context), targets))
            except Exception as error:
                rows.append([None] * len(targets))
                faults.append(contract.Fault(index, message(error)))
        columns = zip(*rows) if rows else [()] * len(targets)
        return contract.Outcome([target.column(column) for target, column in zip(targets.values(), columns)], faults)

    def explain(self, parameters, context, batch, row):
        def steps():
            found = []
            values_of(self.score(rows_of(batch)[row], context), targets_of(self, parameters, context), found)
            return found

        return told(contract.Refusal_BadBatch, steps)
