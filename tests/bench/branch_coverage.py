"""Counts the branches that the tests take: `./run test --coverage`; prints a line a package."""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path, PurePosixPath

FLOORS = {"flows": 95.0, "storage": 95.0}
"""The least that is accepted of these packages, in per cent of their lines and branches."""

Counts = tuple[int, int, int, int]
"""Statements, those that ran, branches, those that were taken."""


def main(*words: str) -> int:
    """Run the tests that pytest selects by these words; return 0 if they pass and enough ran."""
    coverage("erase")
    passed = coverage("run", "-m", "pytest", *(word for word in words if word != "--coverage")) == 0
    coverage("combine", "--quiet")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        coverage("json", "--quiet", "-o", str(report))
        files = json.loads(report.read_text("utf-8"))["files"]
    counted = by_package({path: counts_of(file["summary"]) for path, file in files.items()})
    print("\n".join(table(counted)))
    missed = [name for name, least in FLOORS.items() if percent(counted[name]) < least]
    for name in missed:
        print(f"{name} is below {FLOORS[name]:.0f} %: coverage report --include='{name}/*' -m")
    return 0 if passed and not missed else 1


def coverage(*words: str) -> int:
    """Run coverage.py and return its exit code."""
    return subprocess.call([sys.executable, "-m", "coverage", *words])


def counts_of(summary: dict[str, int]) -> Counts:
    """Return the counts of one file."""
    return (
        summary["num_statements"],
        summary["covered_lines"],
        summary["num_branches"],
        summary["covered_branches"],
    )


def by_package(files: dict[str, Counts]) -> dict[str, Counts]:
    """Return the sums of each top package and of each package right below it, by their names."""
    sums = defaultdict[str, Counts](lambda: (0, 0, 0, 0))
    for path, counts in files.items():
        parts = PurePosixPath(path).parent.parts
        for name in {parts[0], ".".join(parts[:2])}:
            before = sums[name]
            sums[name] = tuple(map(sum, zip(before, counts, strict=True)))
    return dict(sorted(sums.items()))


def percent(counts: Counts) -> float:
    """Return how many per cent of the statements and branches ran."""
    statements, ran, branches, taken = counts
    return 100 * (ran + taken) / max(1, statements + branches)


def table(packages: dict[str, Counts]) -> list[str]:
    """Return the lines of a table, one for each package."""
    lines = [f"{'':24}{'statements':>12}{'missed':>8}{'branches':>10}{'missed':>8}{'':>8}"]
    for name, counts in packages.items():
        statements, ran, branches, taken = counts
        figures = f"{statements:12}{statements - ran:8}{branches:10}{branches - taken:8}"
        lines.append(f"{name:24}{figures}{percent(counts):7.1f} %")
    return lines


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
