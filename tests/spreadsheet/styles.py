"""How an expression is written: for Merit, for a cell of a spreadsheet, and for Merit as a spreadsheet means it."""

import itertools

from generate import LINE_NUMBERS, LINE_TEXTS, LINES, NUMBERS, OPTIONAL, TEXTS

INPUTS = NUMBERS + [OPTIONAL] + TEXTS

# Cells with formulas stand behind those of the inputs and of the detail lines.
FIRST_LINE = len(INPUTS)
FIRST_FORMULA = FIRST_LINE + LINES * len(LINE_NUMBERS + LINE_TEXTS)


class Merit:
    """For Merit, with the lines that are named written out in place."""

    separator = ", "

    def __init__(self, lines: dict, digits: str = "", double: str = "") -> None:
        self.written, self.double = lines, double
        self.digits = itertools.cycle(digits) if digits else None

    def infix(self, operator: str, left: str, right: str) -> str:
        return f"{left} {operator} {right}"

    def call(self, called: str, arguments: list) -> str:
        return f"{called}({self.separator.join(arguments)})"

    def inexact(self, text: str) -> str:
        """With half of the twelfth digit more or less, where it is asked for."""
        return f"({text} {next(self.digits)} 0.0000000000005)" if self.digits else text

    def literal(self, text: str) -> str:
        fraction = "." in text or text.endswith("%")
        return f"({text} {self.double})" if self.double and fraction else text

    def name(self, called: str) -> str:
        return f"({self.written[called].text(self)})" if called in self.written else called

    def join_condition(self, left: str, condition: str) -> str:
        return f"{left} & {condition}"

    def if_missing(self, value: str, instead: str) -> str:
        return f"IFMISSING({value}, {instead})"

    def is_missing(self, value: str) -> str:
        return f"ISMISSING({value})"

    def lines(self, function: str, values: list, conditions: list) -> str:
        condition = " AND ".join(f"{name} {operator} {wanted}" for name, operator, wanted in conditions)
        arguments = [" * ".join(values)] if values else []
        text = self.call(f"LINES_{function}", arguments + ([condition] if condition else []))
        return self.inexact(text) if function == "AVERAGE" else text


class Meant(Merit):
    """For Merit, with what Calc makes of an expression where the manual says that it makes something else of it."""

    whole = ["ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC", "LEFT", "RIGHT", "MID"]
    # These do not count an empty cell.
    several = {"MIN": "0", "MAX": "0", "SUM": "0", "AVERAGE": "1 / 0", "MEDIAN": "1 / 0"}
    empty = f"IFMISSING({OPTIONAL}, 0)"

    def infix(self, operator: str, left: str, right: str) -> str:
        if operator == "/":
            right = self.divisor(right)
        if (operator, right) == ("^", "0.5"):
            return f"SQRT({left})"
        return super().infix(operator, left, right)

    def call(self, called: str, arguments: list) -> str:
        if called in self.whole and len(arguments) > 1:
            arguments = [arguments[0], *(f"TRUNC({argument})" for argument in arguments[1:])]
        if called in self.several and self.empty in arguments:
            others = [argument for argument in arguments if argument != self.empty]
            without = super().call(called, others) if others else self.several[called]
            return f"IF(ISMISSING({OPTIONAL}), {without}, {super().call(called, arguments)})"
        if called in ("MOD", "QUOTIENT"):
            arguments = [arguments[0], self.divisor(arguments[1])]
        if called == "POWER" and arguments[1] == "0.5":
            return f"SQRT({arguments[0]})"
        if called == "DATE" and int(arguments[0]) < 100:
            century = 2000 if int(arguments[0]) < 30 else 1900
            arguments = [str(century + int(arguments[0])), *arguments[1:]]
        if called == "FIND" and arguments[0] == '""':
            return "(1 / 0)"
        return super().call(called, arguments)

    def divisor(self, text: str) -> str:
        """One that may be 0 in every row, which only a row may say."""
        return f"({text} + 0 * x1)"

    def name(self, called: str) -> str:
        return self.empty if called == OPTIONAL else super().name(called)

    def join_condition(self, left: str, condition: str) -> str:
        return f"{left} & IF({condition}, 1, 0)"

    def if_missing(self, value: str, instead: str) -> str:
        return super().if_missing(OPTIONAL, instead)

    def is_missing(self, value: str) -> str:
        return super().is_missing(OPTIONAL)

    def lines(self, function: str, values: list, conditions: list) -> str:
        text = super().lines(function, values, conditions)
        none = {"MIN": "0", "MAX": "0", "AVERAGE": "1 / 0"}.get(function)
        return f"IFMISSING({text}, {none})" if none else text


class Sheet(Merit):
    """For a sheet of Merit, with lines by name."""

    def name(self, called: str) -> str:
        return called


class Calc(Merit):
    """For a cell: names are references."""

    separator = ";"
    # Functions that OpenFormula does not have, and files name after who had them first.
    # (CEILING and FLOOR of OpenFormula are others than those that people know, which Calc calls CEILING.XCL and FLOOR.XCL.)
    foreign = ["CEILING", "CONCAT", "FLOOR", "IFS", "MAXIFS", "MINIFS", "SWITCH"]

    def __init__(self, columns: list, row: int) -> None:
        super().__init__({})
        self.columns, self.row = columns, row

    def call(self, called: str, arguments: list) -> str:
        # There, the multiple of one is not left out.
        if called in ("CEILING", "FLOOR") and len(arguments) == 1:
            arguments = [*arguments, "1"]
        return super().call(f"COM.MICROSOFT.{called}" if called in self.foreign else called, arguments)

    def name(self, called: str) -> str:
        return f"[.{letters(self.columns.index(called))}{self.row}]"

    def if_missing(self, value: str, instead: str) -> str:
        return f"IF(ISBLANK({value});{instead};{value})"

    def is_missing(self, value: str) -> str:
        return f"ISBLANK({value})"

    def lines(self, function: str, values: list, conditions: list) -> str:
        if len(values) > 1:
            return self.call("SUMPRODUCT", [self.range(value) for value in values])
        ranges = [self.range(value) for value in values]
        for name, operator, wanted in conditions:
            criterion = wanted if wanted.startswith('"') else f'"{operator}{wanted}"'
            ranges += [self.range(name), criterion]
        return self.call(function + ("IFS" if conditions else ""), ranges)

    def range(self, called: str) -> str:
        first = FIRST_LINE + LINES * (LINE_NUMBERS + LINE_TEXTS).index(called)
        return f"[.{letters(first)}{self.row}:.{letters(first + LINES - 1)}{self.row}]"


def letters(column: int) -> str:
    """The letters of a column."""
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)
