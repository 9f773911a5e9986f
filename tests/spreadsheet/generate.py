"""Random sheets: typed expressions that a formula of Merit and a cell of a spreadsheet can both be written from."""

import random
from dataclasses import dataclass, field

# How tightly operators bind, in both languages: an operand that binds less tightly is put into parentheses.
LOOSEST, COMPARE, JOIN, ADD, TIMES, POWER, SIGN, PERCENT, ATOM = range(9)

# What Merit rounds to twelve digits after the point, and a spreadsheet to fifteen or so in all.
INEXACT = {"*", "/", "^", "AVERAGE", "MEDIAN", "POWER", "SQRT"}

NUMBERS = ["x1", "x2", "x3", "x4"]
# One that may be missing: an empty cell.
OPTIONAL = "o1"
TEXTS = ["t1", "t2"]
WORDS = ["North", "south", "NORTH", "Zürich", "a b", "  spaced  out ", "KA-2026-17", "Straße", "x", "0815", "İzmir", ""]
# Detail lines: their names, and as many cells to a row for each of them.
LINE_NUMBERS = ["l1", "l2"]
LINE_TEXTS = ["m1"]
LINES = 5
STAGES = ["WON", "lost", "Open", "won"]


@dataclass
class Node:
    """An expression: how it is written, given how its operands are."""

    kind: str
    binds: int
    write: object
    operands: list = field(default_factory=list)
    function: str = ""
    # The least binding that each operand needs without parentheses.
    needs: list = field(default_factory=list)

    def text(self, style) -> str:
        parts = []
        for operand, needed in zip(self.operands, self.needs):
            part = operand.text(style)
            parts.append(f"({part})" if operand.binds < needed else part)
        return self.write(style, parts)

    def functions(self) -> set:
        found = {self.function} if self.function else set()
        return found.union(*(operand.functions() for operand in self.operands))

    def names(self) -> set:
        found = {self.function[1:]} if self.function.startswith("$") else set()
        return found.union(*(operand.names() for operand in self.operands))


def name(kind, called):
    return Node(kind, ATOM, lambda style, _: style.name(called), function=f"${called}")


def literal(kind, text):
    return Node(kind, ATOM, lambda style, _: style.literal(text) if kind == "number" else text)


def infix(kind, operator, binds, left, right):
    def write(style, parts):
        text = style.infix(operator, *parts)
        return style.inexact(text) if operator in INEXACT else text

    return Node(kind, binds, write, [left, right], operator, [binds, binds + 1])


def call(kind, function, operands):
    def write(style, parts):
        text = style.call(function, parts)
        return style.inexact(text) if function in INEXACT else text

    empty = function == "FIND" and operands[0].text(Plain) == '""'
    return Node(kind, ATOM, write, operands, 'FIND ""' if empty else function, [LOOSEST] * len(operands))


class Plain:
    """A literal as it is."""

    @staticmethod
    def literal(text):
        return text


def lines(function, values, conditions):
    """An aggregate over detail lines: of the product of some of their inputs, where conditions hold."""

    def write(style, _):
        return style.lines(function, values, conditions)

    return Node("number", ATOM, write, [], f"LINES_{function}")


class Generator:
    """Sheets from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list = []

    def sheet(self) -> list:
        """Some lines, each a name and an expression that may use the inputs and the lines before."""
        self.lines = []
        for index in range(self.random.randint(2, 5)):
            kind = self.random.choices(["number", "text", "boolean"], [6, 2, 1])[0]
            self.lines.append((f"line{index + 1}", self.make(kind, self.random.randint(1, 3))))
        return self.lines

    def inputs(self) -> dict:
        """A value for each input; the empty text for one that is missing."""
        values = {name: self.decimal() for name in NUMBERS}
        values[OPTIONAL] = self.decimal() if self.random.random() < 0.6 else ""
        return values | {name: self.random.choice(WORDS) for name in TEXTS}

    def detail(self) -> list:
        """The values of each detail line."""
        some = lambda value: value() if self.random.random() < 0.85 else ""
        line = lambda: {name: some(self.decimal) for name in LINE_NUMBERS} | {
            name: some(lambda: self.random.choice(STAGES)) for name in LINE_TEXTS
        }
        return [line() for _ in range(self.random.randint(0, LINES))]

    def decimal(self) -> str:
        digits = self.random.choice([0, 0, 1, 2, 2, 4])
        size = 10 ** self.random.choice([1, 2, 2, 4, 6])
        unscaled = self.random.randint(-size, size) * 10**digits + self.random.randint(0, 10**digits - 1)
        if self.random.random() < 0.15:
            unscaled = self.random.choice([0, 1, -1, 5, -5, 25])
        sign, magnitude = ("-" if unscaled < 0 else ""), str(abs(unscaled)).rjust(digits + 1, "0")
        return sign + (f"{magnitude[:-digits]}.{magnitude[-digits:]}" if digits else magnitude)

    def make(self, kind: str, depth: int) -> Node:
        if kind == "date":
            return self.date()
        return {"number": self.number, "text": self.text, "boolean": self.boolean}[kind](depth)

    def line(self, kind: str):
        known = [called for called, node in self.lines if node.kind == kind]
        return name(kind, self.random.choice(known)) if known and self.random.random() < 0.5 else None

    def number(self, depth: int) -> Node:
        pick = self.random
        if depth <= 0:
            choice = pick.random()
            if choice < 0.03:
                return name("number", OPTIONAL)
            if choice < 0.7:
                return self.line("number") or name("number", pick.choice(NUMBERS))
            if choice < 0.9:
                return literal("number", pick.choice(["0", "1", "2", "3", "10", "100", "0.5", "1.25", "0.1", "7", "12"]))
            percent = literal("number", pick.choice(["5", "8", "12.5", "50", "110"]))
            return Node("number", PERCENT, lambda style, parts: style.literal(f"{parts[0]}%"), [percent], "%", [PERCENT])
        deeper = lambda: self.number(depth - 1)
        # Seldom no whole number: one that is written, and one that a row brings.
        digits = lambda: pick.choices(
            [lambda: literal("number", pick.choice(["0", "1", "2", "3", "-1", "-2"])), lambda: literal("number", "0.9"), deeper],
            [30, 1, 1],
        )[0]()
        step = lambda: literal("number", pick.choice(["1", "5", "10", "0.05", "0.25", "100", "-5", "-0.5", "0"]))
        exponent = lambda: literal("number", pick.choice(["0", "1", "2", "3", "5", "12", "-1", "-3", "0.5"]))
        growth = lambda: infix("number", "^", POWER, literal("number", pick.choice(["1.01", "1.005", "0.97", "1.5"])), literal("number", pick.choice(["12", "60", "120", "360", "-24"])))
        several = lambda: [deeper() for _ in range(pick.randint(1, 4))]
        choices = [
            (6, lambda: infix("number", "+", ADD, deeper(), deeper())),
            (6, lambda: infix("number", "-", ADD, deeper(), deeper())),
            (6, lambda: infix("number", "*", TIMES, deeper(), deeper())),
            (5, lambda: infix("number", "/", TIMES, deeper(), deeper())),
            (2, lambda: infix("number", "^", POWER, deeper(), exponent())),
            (1, growth),
            (2, lambda: Node("number", SIGN, lambda _, parts: f"-{parts[0]}", [deeper()], "-x", [SIGN])),
            (6, lambda: call("number", "IF", [self.boolean(depth - 1), deeper(), deeper()])),
            (2, lambda: call("number", "IFS", [self.boolean(depth - 1), deeper(), self.boolean(depth - 1), deeper()])),
            (2, lambda: call("number", "SWITCH", [self.text(0), literal("text", '"North"'), deeper(), literal("text", '"x"'), deeper(), deeper()])),
            (1, lambda: call("number", "SWITCH", [self.text(0), literal("text", '"south"'), deeper(), literal("text", '"X"'), deeper()])),
            (1, lambda: Node("number", ATOM, lambda style, parts: style.if_missing(*parts), [name("number", OPTIONAL), deeper()], "IFMISSING", [LOOSEST] * 2)),
            (4, self.aggregate),
            (2, lambda: call("number", "IFERROR", [deeper(), deeper()])),
            (8, lambda: call("number", pick.choice(["MIN", "MAX", "SUM", "AVERAGE", "MEDIAN"]), several())),
            (4, lambda: call("number", pick.choice(["ABS", "SIGN", "INT"]), [deeper()])),
            (8, lambda: call("number", pick.choice(["ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC"]), [deeper(), digits()])),
            (1, lambda: call("number", "TRUNC", [deeper()])),
            (3, lambda: call("number", pick.choice(["CEILING", "FLOOR", "MROUND"]), [deeper(), step()])),
            (1, lambda: call("number", pick.choice(["CEILING", "FLOOR"]), [deeper()])),
            (3, lambda: call("number", pick.choice(["MOD", "QUOTIENT"]), [deeper(), deeper()])),
            (1, lambda: call("number", "POWER", [deeper(), pick.choice([exponent, deeper])()])),
            (2, lambda: call("number", "SQRT", [deeper()])),
            (2, lambda: call("number", "LEN", [self.text(depth - 1)])),
            (2, lambda: call("number", "FIND", [literal("text", pick.choice(['"r"', '"a"', '"-"', '"ü"', '""'])), self.text(depth - 1)])),
            (1, lambda: call("number", "FIND", [literal("text", pick.choice(['"r"', '"a"', '" "', '""'])), self.text(depth - 1), literal("number", pick.choice(["1", "2", "3", "9"]))])),
            (3, self.date_part),
        ]
        return pick.choices([make for _, make in choices], [weight for weight, _ in choices])[0]()

    def aggregate(self) -> Node:
        """Over detail lines, by up to two conditions."""
        pick = self.random
        conditions = []
        if pick.random() < 0.6:
            conditions.append(("m1", "=", f'"{pick.choice(STAGES)}"'))
        if pick.random() < 0.4:
            number = pick.choice(["0", "10", "-5", "0.5", "100"])
            conditions.append((pick.choice(LINE_NUMBERS), pick.choice(["=", "<", "<=", ">", ">="]), number))
        function = pick.choice(["SUM", "SUM", "COUNT", "AVERAGE", "MIN", "MAX", "PRODUCT"])
        if function == "PRODUCT":
            return lines("SUM", LINE_NUMBERS, [])
        if function == "COUNT":
            return lines("COUNT", [], conditions or [("m1", "=", '"Won"')])
        return lines(function, [pick.choice(LINE_NUMBERS)], conditions)

    def date(self) -> Node:
        pick = self.random
        whole = lambda low, high: literal("number", str(pick.randint(low, high)))
        low, high, era = pick.choices(
            [(1990, 2040, "DATE"), (1900, 9990, "DATE"), (1583, 1899, "DATE"), (0, 99, "short year"), (100, 1582, "old year")],
            [30, 2, 1, 1, 1],
        )[0]
        day = call("date", "DATE", [whole(low, high), whole(-3, 20), whole(-10, 45)])
        day.function = era
        kind = pick.random()
        if kind < 0.2:
            return call("date", "EDATE", [day, whole(-30, 30)])
        if kind < 0.4:
            return call("date", "EOMONTH", [day, whole(-30, 30)])
        if kind < 0.6:
            return infix("date", pick.choice(["+", "-"]), ADD, day, whole(0, 400))
        return day

    def date_part(self) -> Node:
        pick = self.random
        if pick.random() < 0.2:
            return call("number", "DAYS", [self.date(), self.date()])
        if pick.random() < 0.2:
            return infix("number", "-", ADD, self.date(), self.date())
        return call("number", pick.choice(["YEAR", "MONTH", "DAY"]), [self.date()])

    def text(self, depth: int) -> Node:
        pick = self.random
        if depth <= 0:
            if pick.random() < 0.7:
                return self.line("text") or name("text", pick.choice(TEXTS))
            return literal("text", pick.choice(['"North"', '"x"', '"a"', '"say ""no"""', '"Ärger"']))
        deeper = lambda: self.text(depth - 1)
        count = lambda: literal("number", "2.7" if pick.random() < 0.03 else str(pick.randint(0, 6)))
        whole = lambda: call("number", "INT", [self.number(depth - 1)])
        choices = [
            lambda: infix("text", "&", JOIN, deeper(), deeper()),
            lambda: infix("text", "&", JOIN, deeper(), whole()),
            lambda: call("text", "CONCAT", [deeper(), deeper(), whole()]),
            lambda: call("text", pick.choice(["LEFT", "RIGHT"]), [deeper(), count()]),
            lambda: call("text", pick.choice(["LEFT", "RIGHT"]), [deeper()]),
            lambda: self.condition_as_text() if pick.random() < 0.3 else self.text(0),
            lambda: call("text", "MID", [deeper(), literal("number", str(pick.randint(1, 5))), count()]),
            lambda: call("text", pick.choice(["UPPER", "LOWER", "TRIM"]), [deeper()]),
            lambda: call("text", "IF", [self.boolean(depth - 1), deeper(), deeper()]),
            lambda: call("text", "IFERROR", [deeper(), deeper()]),
        ]
        return pick.choice(choices)()

    def condition_as_text(self) -> Node:
        write = lambda style, parts: style.join_condition(*parts)
        return Node("text", JOIN, write, [self.text(0), self.boolean(0)], "& condition", [JOIN, JOIN + 1])

    def boolean(self, depth: int) -> Node:
        pick = self.random
        operator = pick.choice(["=", "<>", "<", "<=", ">", ">="])

        def both(kind: str, below: int) -> Node:
            compared = infix("boolean", operator, COMPARE, self.make(kind, below), self.make(kind, below))
            # Comparisons do not chain, in Merit.
            compared.needs, compared.function = [JOIN, JOIN], f"{kind} {operator}"
            return compared

        if depth <= 0:
            return both("text" if pick.random() < 0.25 else "number", 0)
        deeper = lambda: self.boolean(depth - 1)
        if pick.random() < 0.5:
            return both("text" if pick.random() < 0.25 else "number", depth - 1)
        choices = [
            lambda: call("boolean", pick.choice(["AND", "OR"]), [deeper() for _ in range(pick.randint(1, 3))]),
            lambda: call("boolean", "NOT", [deeper()]),
            lambda: call("boolean", "EXACT", [self.text(depth - 1), self.text(depth - 1)]),
            lambda: self.line("boolean") or call("boolean", "NOT", [deeper()]),
            lambda: Node("boolean", ATOM, lambda style, parts: style.is_missing(*parts), [name("number", OPTIONAL)], "ISMISSING", [LOOSEST]),
            lambda: both("date", 0),
        ]
        return pick.choice(choices)()
