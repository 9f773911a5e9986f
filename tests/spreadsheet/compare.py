"""Random sheets, computed by Merit and by LibreOffice Calc; every difference has to be one that the manual explains.

    python3 tests/spreadsheet/compare.py [--sheets 300] [--seed 2026] [--all]

The same seed makes the same sheets. Needs `soffice` (Debian: apt-get install --no-install-recommends libreoffice-calc) and
cargo. The categories below are those of "Where Merit and Calc differ" in plugins/expression/LANGUAGE.md.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal, getcontext
from pathlib import Path

import calc
from explain import Different, compare, explain
from generate import LINE_NUMBERS, LINE_TEXTS, LINES, NUMBERS, OPTIONAL, TEXTS, Generator
from styles import FIRST_FORMULA, FIRST_LINE, INPUTS, Calc, Merit, Sheet

TOP = Path(__file__).resolve().parents[2]
ROWS = 4
getcontext().prec = 100
# What publishing says of a line with constants that no row can be computed with.
CONSTANTS = ["must be a whole number", "must be at least", "the divisor is 0", "the low bound of CLAMP", "this fails in every row"]


def sheet_text(lines: list) -> str:
    """A sheet whose outputs are the values of all lines: texts as grades, conditions as 1 and 0."""
    text = [f"input {name}" for name in NUMBERS] + [f"input {OPTIONAL} optional"] + [f"input {name} text" for name in TEXTS]
    text += [f"input lines {name}" for name in LINE_NUMBERS] + [f"input lines {name} text" for name in LINE_TEXTS]
    text += [f"{called} = {node.text(Sheet({}))}" for called, node in lines]
    for called, node in lines:
        if node.kind == "text":
            text.append(f'grade of_{called} = IFERROR({called}, "fault")')
        if node.kind == "boolean":
            text.append(f"of_{called} = IF({called}, 1, 0)")
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
        sheets.append({"text": sheet_text(lines), "rows": []})
        columns = INPUTS + [""] * (FIRST_FORMULA - FIRST_LINE) + [called for called, _ in lines]
        for _ in range(ROWS):
            inputs, detail = generator.inputs(), generator.detail()
            sheets[-1]["rows"].append({"inputs": inputs, "lines": detail})
            style = Calc(columns, len(rows) + 1)
            rows.append(given(inputs, detail) + [calc.formula(node.text(style), node.kind == "number") for _, node in lines])
            for called, node in lines:
                text = node.text(Merit(by_name))
                cells.append({"text": text, "kind": node.kind, "inputs": inputs, "lines": detail})
                cases.append((len(rows) - 1, columns.index(called), node, by_name))

    answers, theirs = merit(sheets, cells), calc.calculate(rows)
    ours = answers["cells"]
    same = check_sheets(sheets, answers["sheets"], ours)
    told = [compare(mine, theirs[row][column]) for mine, (row, column, _, _) in zip(ours, cases)]
    different = {index: Different(node, lines, cells[index], ours[index], theirs[row][column])
                 for index, (row, column, node, lines) in enumerate(cases) if not told[index]}
    categories = explain(list(different.values()), lambda again: merit([], again)["cells"] if again else [])
    for (index, difference), category in zip(different.items(), categories):
        told[index] = category
        if options.all or not category:
            print(f"{category or 'UNEXPLAINED'}: {cells[index]['text']}\n  {cells[index]['inputs']} {cells[index]['lines']}")
            print(f"  Merit {difference.ours}, Calc {difference.theirs!r}")
    print(f"{options.sheets} sheets of seed {options.seed}, {len(cases)} cells, {same} of them the same in a sheet over all rows:")
    for category, count in Counter(told).most_common():
        print(f"  {count:6} {category or 'unexplained'}")
    manual = (TOP / "plugins/expression/LANGUAGE.md").read_text(encoding="utf-8")
    for category in filter(None, set(told)):
        if not category.startswith("the same") and f"| {category} |" not in manual:
            sys.exit(f"the manual does not explain {category!r}")
    if not all(told):
        sys.exit(f"{told.count('')} differences that nothing explains")


def given(inputs: dict, detail: list) -> list:
    """The cells of a row that are no formulas."""
    number = lambda text: calc.number(text) if text else calc.EMPTY
    row = [number(inputs[name]) for name in NUMBERS + [OPTIONAL]] + [calc.string(inputs[name]) for name in TEXTS]
    for name in LINE_NUMBERS + LINE_TEXTS:
        values = [line[name] for line in detail] + [""] * (LINES - len(detail))
        row += [number(value) if name in LINE_NUMBERS or not value else calc.string(value) for value in values]
    return row


def check_sheets(sheets: list, answers: list, ours: list) -> int:
    """Holds that a sheet gives for all its rows at once what each of its cells gives alone, and that publishing refuses a line that
    fails in every row only where it does; gives how many cells are the same."""
    start = same = 0
    first = len(INPUTS + LINE_NUMBERS + LINE_TEXTS)
    for sheet, answer in zip(sheets, answers):
        text = sheet["text"].splitlines()
        names = [line.split(" ")[0] for line in text[first:] if line.startswith("line")]
        grades = [line.split(" ")[1] for line in text[first:] if line.startswith("grade ")]
        alone = [ours[start + row * len(names) : start + (row + 1) * len(names)] for row in range(ROWS)]
        start += ROWS * len(names)
        for line, message in answer.get("refused", []):
            cells = [row[line - 1 - first] for row in alone]
            if not any(known in message for known in CONSTANTS):
                sys.exit(f"line {line} is refused: {message}\n{sheet['text']}")
            if "fails in every row" in message and any("fault" not in cell and "refused" not in cell for cell in cells):
                sys.exit(f"line {line} is refused because it fails in every row, and comes to {cells}:\n{sheet['text']}")
        for called, column in answer.get("outputs", {}).items():
            if called == "last":
                continue
            for row, value in enumerate(column):
                cell = alone[row][names.index(called.removeprefix("of_"))]
                if value != as_output(cell, called in grades):
                    sys.exit(f"{called} in row {row} is {value}, and alone {cell}:\n{sheet['text']}\n{sheet['rows'][row]}")
                same += 1
    if start != len(ours):
        sys.exit(f"{len(ours)} cells do not belong to {len(sheets)} sheets of {start} cells")
    return same


def as_output(cell: dict, fault: bool) -> dict:
    """What a sheet makes of a value: a detail has six decimals, half to even, and fits 64 bits."""
    if "number" in cell:
        rounded = Decimal(cell["number"]).quantize(Decimal("1e-6"))
        return {"number": f"{rounded or abs(rounded):f}"} if abs(rounded) <= Decimal("9223372036854.775807") else {}
    if "boolean" in cell:
        return {"number": "1.000000" if cell["boolean"] else "0.000000"}
    if fault and cell.get("fault", "missing") != "missing":
        return {"text": "fault"}
    return cell if "text" in cell else {}


if __name__ == "__main__":
    main()
