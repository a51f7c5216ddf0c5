"""What `--thorough` adds: the tests marked `thorough`, and longer looks of the property tests."""

import os

import pytest
from hypothesis import settings

QUICK = 4
"""A property test tries one in so many of its examples unless the run is thorough."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--thorough` to pytest's options."""
    parser.addoption("--thorough", action="store_true", help="also the slow tests; CI runs all")


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and load one of the two profiles, before a test is read.

    The quick one tries the same examples each time, and so does a thorough one in CI: there, what
    somebody else has broken must not hold up a change. By hand, a thorough run looks further.
    """
    config.addinivalue_line("markers", "thorough: slow; runs with --thorough or when asked alone")
    same = "CI" in os.environ
    settings.register_profile("quick", deadline=None, derandomize=True, max_examples=100 // QUICK)
    settings.register_profile("thorough", deadline=None, derandomize=same, print_blob=True)
    settings.load_profile("thorough" if config.getoption("--thorough") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `thorough`, unless they are all that was asked for."""
    if not config.getoption("--thorough"):
        items[:] = [item for item in items if not item.get_closest_marker("thorough")] or items


def examples(thorough: int) -> int:
    """Return how many examples to try, for `max_examples`: all with `--thorough`, else a share."""
    return thorough if is_thorough() else max(10, thorough // QUICK)


def is_thorough() -> bool:
    """Return whether this run has `--thorough`; known once the options are read."""
    return settings.get_current_profile_name() == "thorough"
