"""Counts the branches of flows and storage that tests take: `./run test --coverage`.

It prints a line a package.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath

FLOORS = {"flows": 95.0, "storage": 95.0}
"""The least that is accepted of these packages, in per cent of their lines and branches."""

COUNTED = ("num_statements", "missing_lines", "num_branches", "missing_branches")

Counts = Counter[str]
"""What is COUNTED, as coverage.py names it."""


def main(*words: str) -> int:
    """Run the tests that pytest selects by these words; return 0 if they pass and enough ran."""
    coverage("erase")
    passed = coverage("run", "-m", "pytest", *(word for word in words if word != "--coverage")) == 0
    if coverage("combine", "--quiet") != 0:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        coverage("json", "--quiet", "-o", str(report))
        files = json.loads(report.read_text("utf-8"))["files"]
    counted = by_package({path: file["summary"] for path, file in files.items()})
    print("\n".join(table(counted)))
    missed = [name for name, least in FLOORS.items() if percent(counted[name]) < least]
    for name in missed:
        print(f"{name} is below {FLOORS[name]:.0f} %: coverage report --include='{name}/*' -m")
    return 0 if passed and not missed else 1


def coverage(*words: str) -> int:
    """Run coverage.py and return its exit code."""
    return subprocess.call([sys.executable, "-m", "coverage", *words])


def by_package(files: dict[str, dict[str, int]]) -> dict[str, Counts]:
    """Return the sums of each top package and of each package right below it, by their names."""
    sums = defaultdict[str, Counts](Counter)
    for path, summary in files.items():
        parts = PurePosixPath(path).parent.parts
        for name in {parts[0], ".".join(parts[:2])}:
            sums[name].update({count: summary[count] for count in COUNTED})
    return dict(sorted(sums.items()))


def percent(counts: Counts) -> float:
    """Return how many per cent of the statements and branches ran."""
    every = counts["num_statements"] + counts["num_branches"]
    missed = counts["missing_lines"] + counts["missing_branches"]
    return 100 * (every - missed) / max(1, every)


def table(packages: dict[str, Counts]) -> list[str]:
    """Return the lines of a table, one for each package."""
    heads = "".join(f"{head:>12}" for head in ("statements", "missed", "branches", "missed"))
    rows = [
        f"{name:24}{''.join(f'{counts[count]:12}' for count in COUNTED)}{percent(counts):8.1f} %"
        for name, counts in packages.items()
    ]
    return [f"{'':24}{heads}", *rows]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
