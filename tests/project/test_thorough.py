"""`--thorough` runs what is slow as well; without it nothing is reported as left out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

QUICK = "def test_quick():\n    pass\n"
SLOW = """
import pytest
from hypothesis import given, settings, strategies
from tests.harness.thorough import examples

tried = set()

@pytest.mark.thorough
@settings(max_examples=examples(80))
@given(strategies.integers())
def test_slow(number):
    tried.add(number)

@pytest.mark.thorough
def test_tried():
    print(len(tried), "tried")
"""


def ran(folder: Path, *words: str) -> str:
    """Return what pytest prints when it runs a folder of tests with our plugin."""
    (folder / "test_quick.py").write_text(QUICK)
    (folder / "test_slow.py").write_text(SLOW)
    command = [sys.executable, "-m", "pytest", "-p", "tests.harness.thorough", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_a_slow_test_waits_for_a_thorough_run(tmp_path: Path) -> None:
    for words in ([], ["--slow"]):
        closing = ran(tmp_path, "-n0", *words, str(tmp_path)).splitlines()[-1]
        assert "1 passed" in closing
        assert "deselected" not in closing and "skipped" not in closing


@pytest.mark.parametrize(
    ("words", "tests", "tried"), [(["--thorough"], 3, range(60, 81)), ([], 2, range(10, 21))]
)
def test_a_thorough_run_tries_more_than_one_that_asks_for_the_slow_test(
    tmp_path: Path, words: list[str], tests: int, tried: range
) -> None:
    asked = tmp_path if words else tmp_path / "test_slow.py"
    said = ran(tmp_path, "-n0", "-s", *words, str(asked))
    assert f"{tests} passed" in said
    assert int(said.split(" tried")[0].split()[-1].lstrip(".")) in tried
