"""Why Merit and Calc differ: by trying what would make them agree."""

import itertools
import re
from decimal import Decimal

import calc
from generate import NUMBERS, OPTIONAL
from styles import Meant, Merit

# What `styles.Meant` writes otherwise: by what an expression uses, and what Merit says of it.
MEANT = [
    ("conditions as text", {"& condition"}, ""),
    ("the empty text is found", {"FIND \"\""}, ""),
    ("no lines", {"LINES_MIN", "LINES_MAX", "LINES_AVERAGE"}, "missing"),
    ("empty cells", {f"${OPTIONAL}"}, ""),
    ("short years", {"short year"}, ""),
    ("roots", {"^", "POWER"}, "whole number"),
    ("whole numbers", {"ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC", "LEFT", "RIGHT", "MID"}, "whole number"),
    ("division by zero where it does not matter", {"/", "MOD", "QUOTIENT"}, "the divisor is 0"),
]


def compare(ours: dict, theirs) -> str:
    """How they agree; nothing where they do not."""
    none = "fault" in ours or "refused" in ours
    if isinstance(theirs, calc.Error) or none:
        return "the same" if isinstance(theirs, calc.Error) and none else ""
    if "number" in ours and isinstance(theirs, float):
        number = Decimal(ours["number"])
        if float(number) == theirs:
            return "the same"
        close = abs(number - Decimal(theirs)) <= abs(number) * Decimal("1e-9")
        return "the same to nine digits" if close else ""
    if "boolean" in ours and isinstance(theirs, bool):
        return "the same" if ours["boolean"] == theirs else ""
    return "the same" if "text" in ours and ours["text"] == theirs else ""


class Different:
    """A cell with an answer of Merit and another of Calc."""

    def __init__(self, node, lines: dict, cell: dict, ours: dict, theirs) -> None:
        self.node, self.lines, self.cell, self.ours, self.theirs = node, lines, cell, ours, theirs

    def plain(self, style) -> list:
        return [self.again(style(self.lines))]

    def nudged(self, style) -> list:
        """The cell again, with inputs and fractions a few parts in 10^15 off: what a double cannot tell."""
        cells = []
        for size in ["1e-15", "1e-14", "1e-13"]:
            for pattern in range(2 ** len(NUMBERS)):
                inputs = dict(self.cell["inputs"])
                for bit, name in enumerate(NUMBERS):
                    number = Decimal(inputs[name])
                    change = max(abs(number), Decimal(1)) * Decimal(size) * (1 if pattern >> bit & 1 else -1)
                    inputs[name] = format(round(number + change, 18), "f")
                sign = "+" if pattern.bit_count() & 1 else "-"
                double = f"{sign} {Decimal(size) / 10:f}"
                cells.append(self.again(style(self.lines, double=double)) | {"inputs": inputs})
        return cells

    def shifted(self, style) -> list:
        """The cell again, with every product, quotient, power and mean off by half of its twelfth digit, up or down."""
        return [self.again(style(self.lines, "".join(signs))) for signs in itertools.product("+-", repeat=3)]

    def again(self, style) -> dict:
        return self.cell | {"text": self.node.text(style)}

    def agrees(self, answers: list) -> bool:
        """Whether one of Merit's answers is Calc's, or Calc's lies between them."""
        numbers = [Decimal(answer["number"]) for answer in [self.ours, *answers] if "number" in answer]
        between = isinstance(self.theirs, float) and numbers and min(numbers) <= Decimal(self.theirs) <= max(numbers)
        return bool(between) or any(compare(answer, self.theirs) for answer in answers)

    def used(self) -> set:
        return functions(self.node, self.lines)

    def meant(self) -> str:
        """What Calc means otherwise in this cell; nothing where it does not."""
        used, said = self.used(), self.ours.get("fault", "") + self.ours.get("refused", "")
        for category, functions_, words in MEANT:
            if used & functions_ and words in said:
                return category
        return ""

    def parts(self) -> list:
        """The operations of the cell, each by itself."""
        return [self.cell | {"text": node.text(Merit(self.lines)), "kind": node.kind} for node in operations(self.node, self.lines)]

    def by_rule(self, shifted: list, meant: dict, parts: list) -> str:
        """The category of a difference that is seen from what is there; `meant` is the answer with what Calc means."""
        said = [answer.get("fault", "") + answer.get("refused", "") for answer in (self.ours, meant)]
        used, fault = self.used(), " ".join(filter(None, said))
        error = isinstance(self.theirs, calc.Error)
        for node, answer in zip(operations(self.node, self.lines), parts):
            category = of_part(node.function, answer)
            if category:
                return category
        if "division by zero" in fault and any("fault" not in answer for answer in shifted):
            return "twelve digits"
        if "0 to the power of 0" in fault:
            return "0^0"
        if error and not fault and used & {"^", "POWER"}:
            return "small powers"
        if error and used & ROUNDINGS:
            return "whole numbers"
        if used & (ROUNDINGS | {"MOD"}) and self.is_near():
            return "binary floats"
        if "old year" in used:
            return "old dates"
        if "text" in self.ours | meant and used & {"&", "CONCAT"} and re.search(r"\d[eE]\+0", str(self.theirs)):
            return "long numbers as text"
        if error and not fault and used & {"AND", "OR"}:
            return "faults beside AND and OR"
        if used & {"text <", "text <=", "text >", "text >="}:
            return "the order of letters"
        if used & {"UPPER", "LOWER"} and re.search("[ßİ]", str(self.cell)):
            return "letters of two cases"
        if fault.startswith("missing") and f"${OPTIONAL}" in used:
            return "empty cells"
        if fault.startswith("missing") and used & {"LINES_MIN", "LINES_MAX", "LINES_AVERAGE"}:
            return "no lines"
        return ""

    def is_near(self) -> bool:
        """Whether no more than last digits of what was rounded make the difference; of a remainder, all that is left."""
        if "number" not in self.ours or not isinstance(self.theirs, float):
            return False
        number = Decimal(self.ours["number"])
        return ("MOD" in self.used() and self.theirs == 0) or abs(number - Decimal(self.theirs)) <= abs(number) * Decimal("1e-6")


ROUNDINGS = {"ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC"}


def of_part(function: str, answer: dict) -> str:
    """What of a part that cannot be held here, or not all of it, explains a difference in the whole."""
    said = answer.get("fault", "") + answer.get("refused", "")
    if "too large" in said:
        return "38 digits"
    if "whole number" in said:
        return "roots" if function in ("^", "POWER") else "whole numbers"
    if function in ("^", "POWER", "/", "*") and Decimal(answer.get("number", 1)) == 0:
        return "twelve digits"
    return ""


def operations(node, lines: dict) -> list:
    """The operations of an expression, and of the lines that it names, the innermost first."""
    named = [lines[called] for called in node.names() if called in lines] if not node.operands else []
    found = [operation for operand in [*node.operands, *named] for operation in operations(operand, lines)]
    return found + ([node] if node.operands and node.kind != "date" else [])


def functions(node, lines: dict) -> set:
    """What an expression uses, and the lines that it names."""
    found = node.functions()
    return found.union(*(functions(lines[called], lines) for called in node.names() if called in lines))


def explain(differences: list, evaluate) -> list:
    """The category of each difference, as the manual has them; nothing where there is none. `evaluate` asks Merit."""

    def tried(some: list, variants) -> list:
        cells = [variants(difference) for difference in some]
        answers = iter(evaluate([cell for each in cells for cell in each]))
        return [[next(answers) for _ in each] for each in cells]

    told = [""] * len(differences)
    shifted = tried(differences, lambda difference: difference.shifted(Merit))

    def tell(variants, category) -> None:
        open_ = [index for index, known in enumerate(told) if not known]
        some = [differences[index] for index in open_]
        for index, difference, answers in zip(open_, some, tried(some, variants)):
            if difference.agrees(answers):
                told[index] = category(difference)

    tell(lambda difference: difference.nudged(Merit), lambda _: "binary floats")
    tell(lambda difference: difference.shifted(Merit), lambda _: "twelve digits")
    tell(lambda difference: difference.plain(Meant), Different.meant)
    tell(lambda difference: difference.nudged(Meant), Different.meant)
    tell(lambda difference: difference.shifted(Meant), Different.meant)
    meant = tried(differences, lambda difference: difference.plain(Meant))
    parts = tried(differences, lambda difference: difference.parts())
    cases = zip(told, differences, shifted, meant, parts)
    return [known or each.by_rule(answers, same, of_parts) for known, each, answers, [same], of_parts in cases]
