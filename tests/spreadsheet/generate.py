"""Random sheets: typed expressions that a formula of Merit and a cell of a spreadsheet can both be written from."""

import random
from dataclasses import dataclass, field

# How tightly operators bind, in both languages: an operand that binds less tightly is put into parentheses.
LOOSEST, COMPARE, JOIN, ADD, TIMES, POWER, SIGN, PERCENT, ATOM = range(9)

# What Merit rounds to twelve digits after the point, and a spreadsheet to fifteen or so in all.
INEXACT = {"*", "/", "^", "AVERAGE", "MEDIAN", "POWER", "SQRT"}

NUMBERS = ["x1", "x2", "x3", "x4"]
TEXTS = ["t1", "t2"]
WORDS = ["North", "south", "NORTH", "Zürich", "a b", "  spaced  out ", "KA-2026-17", "Straße", "x", "0815"]


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
        text = f"{parts[0]} {operator} {parts[1]}"
        return style.inexact(text) if operator in INEXACT else text

    return Node(kind, binds, write, [left, right], operator, [binds, binds + 1])


def call(kind, function, operands):
    def write(style, parts):
        text = f"{style.function(function)}({style.separator.join(parts)})"
        return style.inexact(text) if function in INEXACT else text

    return Node(kind, ATOM, write, operands, function, [LOOSEST] * len(operands))


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
        """A value for each input."""
        values = {name: self.decimal() for name in NUMBERS}
        return values | {name: self.random.choice(WORDS) for name in TEXTS}

    def decimal(self) -> str:
        digits = self.random.choice([0, 0, 1, 2, 2, 4])
        size = 10 ** self.random.choice([1, 2, 2, 4, 6])
        unscaled = self.random.randint(-size, size) * 10**digits + self.random.randint(0, 10**digits - 1)
        if self.random.random() < 0.15:
            unscaled = self.random.choice([0, 1, -1, 5, -5, 25])
        sign, magnitude = ("-" if unscaled < 0 else ""), str(abs(unscaled)).rjust(digits + 1, "0")
        return sign + (f"{magnitude[:-digits]}.{magnitude[-digits:]}" if digits else magnitude)

    def make(self, kind: str, depth: int) -> Node:
        return {"number": self.number, "text": self.text, "boolean": self.boolean}[kind](depth)

    def line(self, kind: str):
        known = [called for called, node in self.lines if node.kind == kind]
        return name(kind, self.random.choice(known)) if known and self.random.random() < 0.5 else None

    def number(self, depth: int) -> Node:
        pick = self.random
        if depth <= 0:
            choice = pick.random()
            if choice < 0.7:
                return self.line("number") or name("number", pick.choice(NUMBERS))
            if choice < 0.9:
                return literal("number", pick.choice(["0", "1", "2", "3", "10", "100", "0.5", "1.25", "0.1", "7", "12"]))
            percent = literal("number", pick.choice(["5", "8", "12.5", "50", "110"]))
            return Node("number", PERCENT, lambda style, parts: style.literal(f"{parts[0]}%"), [percent], "%", [PERCENT])
        deeper = lambda: self.number(depth - 1)
        digits = lambda: literal("number", pick.choice(["0", "1", "2", "3", "-1", "-2"]))
        step = lambda: literal("number", pick.choice(["1", "5", "10", "0.05", "0.25", "100"]))
        several = lambda: [deeper() for _ in range(pick.randint(1, 4))]
        choices = [
            (6, lambda: infix("number", "+", ADD, deeper(), deeper())),
            (6, lambda: infix("number", "-", ADD, deeper(), deeper())),
            (6, lambda: infix("number", "*", TIMES, deeper(), deeper())),
            (5, lambda: infix("number", "/", TIMES, deeper(), deeper())),
            (2, lambda: infix("number", "^", POWER, deeper(), literal("number", pick.choice(["0", "1", "2", "3"])))),
            (2, lambda: Node("number", SIGN, lambda _, parts: f"-{parts[0]}", [deeper()], "-x", [SIGN])),
            (6, lambda: call("number", "IF", [self.boolean(depth - 1), deeper(), deeper()])),
            (2, lambda: call("number", "IFS", [self.boolean(depth - 1), deeper(), self.boolean(depth - 1), deeper()])),
            (2, lambda: call("number", "SWITCH", [self.text(0), literal("text", '"North"'), deeper(), literal("text", '"x"'), deeper(), deeper()])),
            (2, lambda: call("number", "IFERROR", [deeper(), deeper()])),
            (8, lambda: call("number", pick.choice(["MIN", "MAX", "SUM", "AVERAGE", "MEDIAN"]), several())),
            (4, lambda: call("number", pick.choice(["ABS", "SIGN", "INT"]), [deeper()])),
            (8, lambda: call("number", pick.choice(["ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC"]), [deeper(), digits()])),
            (3, lambda: call("number", pick.choice(["CEILING", "FLOOR", "MROUND"]), [deeper(), step()])),
            (3, lambda: call("number", pick.choice(["MOD", "QUOTIENT"]), [deeper(), deeper()])),
            (1, lambda: call("number", "POWER", [deeper(), literal("number", pick.choice(["-2", "-1", "0", "2"]))])),
            (2, lambda: call("number", "SQRT", [deeper()])),
            (2, lambda: call("number", "LEN", [self.text(depth - 1)])),
            (2, lambda: call("number", "FIND", [literal("text", pick.choice(['"r"', '"a"', '"-"', '"ü"'])), self.text(depth - 1)])),
            (2, self.date),
        ]
        return pick.choices([make for _, make in choices], [weight for weight, _ in choices])[0]()

    def date(self) -> Node:
        pick = self.random
        whole = lambda low, high: literal("number", str(pick.randint(low, high)))
        day = lambda: call("date", "DATE", [whole(1990, 2040), whole(-3, 20), whole(-10, 45)])
        some = day() if pick.random() < 0.6 else call("date", "EDATE", [day(), whole(-30, 30)])
        if pick.random() < 0.3:
            return call("number", "DAYS", [some, day()])
        return call("number", pick.choice(["YEAR", "MONTH", "DAY"]), [some])

    def text(self, depth: int) -> Node:
        pick = self.random
        if depth <= 0:
            if pick.random() < 0.7:
                return self.line("text") or name("text", pick.choice(TEXTS))
            return literal("text", pick.choice(['"North"', '"x"', '"a"', '"say ""no"""', '"Ärger"']))
        deeper = lambda: self.text(depth - 1)
        count = lambda: literal("number", str(pick.randint(0, 6)))
        whole = lambda: call("number", "INT", [self.number(depth - 1)])
        choices = [
            lambda: infix("text", "&", JOIN, deeper(), deeper()),
            lambda: infix("text", "&", JOIN, deeper(), whole()),
            lambda: call("text", "CONCAT", [deeper(), deeper(), whole()]),
            lambda: call("text", pick.choice(["LEFT", "RIGHT"]), [deeper(), count()]),
            lambda: call("text", "MID", [deeper(), literal("number", str(pick.randint(1, 5))), count()]),
            lambda: call("text", pick.choice(["UPPER", "LOWER", "TRIM"]), [deeper()]),
            lambda: call("text", "IF", [self.boolean(depth - 1), deeper(), deeper()]),
            lambda: call("text", "IFERROR", [deeper(), deeper()]),
        ]
        return pick.choice(choices)()

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
        ]
        return pick.choice(choices)()
