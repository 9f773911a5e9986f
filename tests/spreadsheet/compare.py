"""Random sheets, computed by Merit and by LibreOffice Calc; every difference has to be one that the manual explains.

    python3 tests/spreadsheet/compare.py [--sheets 300] [--seed 2026] [--all]

The same seed makes the same sheets. Needs `soffice` (Debian: apt-get install --no-install-recommends libreoffice-calc) and
cargo. The categories below are those of "Where Merit and Calc differ" in plugins/expression/LANGUAGE.md.
"""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import calc
from generate import NUMBERS, TEXTS, Generator

TOP = Path(__file__).resolve().parents[2]
ROWS = 4


class Merit:
    """How an expression is written for Merit, its lines written out in place."""

    separator = ", "

    def __init__(self, lines: dict, digit: str = "", double: str = "") -> None:
        self.lines, self.digit, self.double = lines, digit, double

    def function(self, called: str) -> str:
        return called

    def inexact(self, text: str) -> str:
        return f"({text} {self.digit})" if self.digit else text

    def literal(self, text: str) -> str:
        fraction = "." in text or text.endswith("%")
        return f"({text} {self.double})" if self.double and fraction else text

    def name(self, called: str) -> str:
        return f"({self.lines[called].text(self)})" if called in self.lines else called


class Sheet(Merit):
    """The same, with lines by name."""

    def name(self, called: str) -> str:
        return called


class Calc:
    """How an expression is written for a cell: names are references."""

    separator = ";"
    # Functions that OpenFormula does not have, and files name after who had them first.
    # (CEILING and FLOOR of OpenFormula are others than those that people know, which Calc calls CEILING.XCL and FLOOR.XCL.)
    foreign = ["CEILING", "CONCAT", "FLOOR", "IFS", "SWITCH"]

    def __init__(self, columns: list, row: int) -> None:
        self.columns, self.row = columns, row

    def function(self, called: str) -> str:
        return f"COM.MICROSOFT.{called}" if called in self.foreign else called

    def inexact(self, text: str) -> str:
        return text

    def literal(self, text: str) -> str:
        return text

    def name(self, called: str) -> str:
        return f"[.{chr(65 + self.columns.index(called))}{self.row}]"


def sheet_text(lines: list) -> str:
    text = [f"input {name}" for name in NUMBERS] + [f"input {name} text" for name in TEXTS]
    for called, node in lines:
        text.append(f"{called} = {node.text(Sheet({}))}")
    return "\n".join(text + ["score last = x1"])


def merit(sheets: list, cells: list) -> dict:
    command = ["cargo", "run", "--quiet", "--locked", "-p", "merit-expression", "--example", "cells"]
    task = json.dumps({"sheets": sheets, "cells": cells})
    done = subprocess.run(command, cwd=TOP, input=task, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--all", action="store_true", help="list every difference, the explained ones too")
    options = parser.parse_args()

    generator = Generator(options.seed)
    cases, sheets, rows, cells = [], [], [], []
    for _ in range(options.sheets):
        lines = generator.sheet()
        by_name = dict(lines)
        sheets.append(sheet_text(lines))
        columns = NUMBERS + TEXTS + [called for called, _ in lines]
        for _ in range(ROWS):
            inputs = generator.inputs()
            style = Calc(columns, len(rows) + 1)
            row = [calc.number(inputs[name]) for name in NUMBERS] + [calc.string(inputs[name]) for name in TEXTS]
            rows.append(row + [calc.formula(node.text(style)) for _, node in lines])
            for called, node in lines:
                cells.append({"text": node.text(Merit(by_name)), "inputs": inputs})
                cases.append((len(rows) - 1, columns.index(called), node, by_name))

    answers, theirs = merit(sheets, cells), calc.calculate(rows)
    ours = answers["cells"]
    check_refused(sheets, answers["refused"], ours)
    told = [compare(mine, theirs[row][column]) for mine, (row, column, _, _) in zip(ours, cases)]
    different = [index for index, same in enumerate(told) if not same]
    doubles, digits = (vary([(cells[index], cases[index]) for index in different]) for vary in (nudged, shifted))
    for index, double, digit in zip(different, doubles, digits):
        row, column, node, lines = cases[index]
        told[index] = explain(node, lines, cells[index], ours[index], theirs[row][column], double, digit)
        if options.all or not told[index]:
            print(f"{told[index] or 'UNEXPLAINED'}: {cells[index]['text']}\n  {cells[index]['inputs']}")
            print(f"  Merit {ours[index]}, Calc {theirs[row][column]!r}")
    print(f"{options.sheets} sheets of seed {options.seed}, {len(cases)} cells:")
    for category, count in Counter(told).most_common():
        print(f"  {count:6} {category or 'unexplained'}")
    manual = (TOP / "plugins/expression/LANGUAGE.md").read_text(encoding="utf-8")
    for category in filter(None, set(told)):
        if not category.startswith("the same") and f"| {category} |" not in manual:
            sys.exit(f"the manual does not explain {category!r}")
    if not all(told):
        sys.exit(f"{told.count('')} differences that nothing explains")


def check_refused(sheets: list, refused: list, ours: list) -> None:
    """A line that publishing refuses, since it fails in every row, has to be a fault in every row that is tried."""
    start = 0
    for sheet, lines in zip(sheets, refused):
        count = len(sheet.splitlines()) - len(NUMBERS) - len(TEXTS) - 1
        for line in lines:
            place = line - 1 - len(NUMBERS) - len(TEXTS)
            answers = [ours[start + row * count + place] for row in range(ROWS)]
            if not all("fault" in answer for answer in answers):
                sys.exit(f"line {line} is refused because it fails in every row, and comes to {answers}:\n{sheet}")
        start += ROWS * count
    if start != len(ours):
        sys.exit(f"{len(ours)} cells do not belong to {len(sheets)} sheets of {start} cells")


def compare(ours: dict, theirs) -> str:
    """How they agree; nothing where they do not."""
    if isinstance(theirs, calc.Error):
        return "the same" if "fault" in ours else ""
    if "fault" in ours:
        return ""
    if "number" in ours and isinstance(theirs, float):
        number = Decimal(ours["number"])
        if float(number) == theirs:
            return "the same"
        distance = abs(number - Decimal(theirs))
        return "the same to nine digits" if distance <= max(abs(number), Decimal(1)) * Decimal("1e-9") else ""
    if "boolean" in ours and isinstance(theirs, bool):
        return "the same" if ours["boolean"] == theirs else ""
    return "the same" if "text" in ours and ours["text"] == theirs else ""


def nudged(cells: list) -> list:
    """Merit's answers to cells again, with inputs and fractions a few parts in 10^15 off: what a double cannot tell."""
    again = []
    for cell, (_, _, node, lines) in cells:
        for size in ["1e-15", "1e-14", "1e-13"]:
            for pattern in range(2 ** len(NUMBERS)):
                inputs = dict(cell["inputs"])
                for bit, name in enumerate(NUMBERS):
                    number = Decimal(inputs[name])
                    change = max(abs(number), Decimal(1)) * Decimal(size) * (1 if pattern >> bit & 1 else -1)
                    inputs[name] = format(round(number + change, 18), "f")
                sign = "+" if pattern.bit_count() & 1 else "-"
                text = node.text(Merit(lines, double=f"{sign} {Decimal(size) / 10:f}"))
                again.append({"text": text, "inputs": inputs})
    return grouped(again, len(cells))


def shifted(cells: list) -> list:
    """Merit's answers again, with every product, quotient, power and mean off by half of its twelfth digit."""
    again = []
    for cell, (_, _, node, lines) in cells:
        for offset in ["+ 0.0000000000005", "- 0.0000000000005"]:
            again.append({"text": node.text(Merit(lines, offset)), "inputs": cell["inputs"]})
    return grouped(again, len(cells))


def grouped(cells: list, count: int) -> list:
    answers = merit([], cells)["cells"] if cells else []
    each = len(answers) // max(count, 1)
    return [answers[index * each : (index + 1) * each] for index in range(count)]


def functions(node, lines: dict) -> set:
    """What an expression uses, and the lines that it names."""
    found = node.functions()
    return found.union(*(functions(lines[called], lines) for called in node.names() if called in lines))


def explain(node, lines: dict, cell: dict, ours: dict, theirs, double: list, digit: list) -> str:
    """The category of a difference, as the manual has them; nothing where there is none."""
    used, fault = functions(node, lines), ours.get("fault", "")
    if any(compare(answer, theirs) for answer in double) or between(double, theirs):
        return "binary floats"
    if any(compare(answer, theirs) for answer in digit) or between(digit, theirs):
        return "twelve digits"
    if fault.startswith("division by zero") and any("fault" not in answer for answer in digit):
        return "twelve digits"
    if "too large" in fault:
        return "38 digits"
    if "0 to the power of 0" in fault:
        return "0^0"
    if "text" in ours and used & {"&", "CONCAT"} and re.search(r"\d[eE]\+0", str(theirs)):
        return "long numbers as text"
    if isinstance(theirs, calc.Error) and not fault and used & {"AND", "OR"}:
        return "faults beside AND and OR"
    if used & {"text <", "text <=", "text >", "text >="}:
        return "the order of letters"
    if "UPPER" in used and "ß" in str(cell):
        return "capital ß"
    return ""


def between(span: list, theirs) -> bool:
    """Whether a number lies within what the nudged answers span."""
    numbers = [Decimal(answer["number"]) for answer in span if "number" in answer]
    return isinstance(theirs, float) and bool(numbers) and min(numbers) <= Decimal(theirs) <= max(numbers)


if __name__ == "__main__":
    main()
