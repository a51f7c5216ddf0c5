"""How much a run tries: what is quick, with `--slow` what CI runs, with `--thorough` everything."""

import pytest
from hypothesis import settings

QUICK = 4
"""A property test tries one in so many of its examples unless the run is thorough."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--slow` and `--thorough` to pytest's options."""
    parser.addoption("--slow", action="store_true", help="also the tests marked slow, as in CI")
    told = "all tests, and longer looks of the property tests; before a release"
    parser.addoption("--thorough", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks and load one of the two profiles, before a test is read.

    The quick one tries the same examples each time: what somebody else has broken must not hold
    up a change. A thorough run looks further.
    """
    config.addinivalue_line("markers", "slow: runs with --slow or when asked alone")
    config.addinivalue_line("markers", "thorough: runs with --thorough or when asked alone")
    settings.register_profile("quick", deadline=None, derandomize=True, max_examples=100 // QUICK)
    settings.register_profile("thorough", deadline=None, print_blob=True)
    settings.load_profile("thorough" if config.getoption("--thorough") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of longer runs, unless they are all that was asked for."""
    if config.getoption("--thorough"):
        return
    marks = ["thorough"] if config.getoption("--slow") else ["slow", "thorough"]
    left = [item for item in items if not any(map(item.get_closest_marker, marks))]
    items[:] = left or items


def examples(thorough: int) -> int:
    """Return how many examples to try, for `max_examples`: all with `--thorough`, else a share."""
    return thorough if is_thorough() else max(10, thorough // QUICK)


def is_thorough() -> bool:
    """Return whether this run has `--thorough`; known once the options are read."""
    return settings.get_current_profile_name() == "thorough"
