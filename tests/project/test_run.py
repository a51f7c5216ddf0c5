"""`./run` tells of every check it knows, and each of them runs before a commit."""

import re
import runpy

from tests.bench.branch_coverage import COUNTED, by_package, percent, table
from tests.support.paths import ROOT

RUN = runpy.run_path(str(ROOT / "run"), run_name="run")
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")


def test_help_names_every_check() -> None:
    assert ", ".join(RUN["CHECKS"]) in RUN["__doc__"]


def test_every_check_is_a_hook() -> None:
    assert re.findall(r"entry: \./run check (\w+)", HOOKS) == list(RUN["CHECKS"])


def test_coverage_is_summed_by_package() -> None:
    files = {"flows/turn.py": summary(10, 1, 4, 1), "flows/scenes/asking.py": summary(20, 0, 6, 0)}
    packages = by_package(files)
    assert {name: percent(counts) for name, counts in packages.items()} == {
        "flows": 95.0,
        "flows.scenes": 100.0,
    }
    assert table(packages)[1].split() == ["flows", "30", "1", "10", "1", "95.0", "%"]


def summary(*counts: int) -> dict[str, int]:
    """Return what coverage.py reports of a file."""
    return dict(zip(COUNTED, counts, strict=True))
