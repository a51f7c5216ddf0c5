"""promtool, where Debian's `prometheus` is installed; loaded as a pytest plugin."""

import os
import shutil

import pytest

PROMTOOL = shutil.which("promtool")


def pytest_configure(config: pytest.Config) -> None:
    """Stop where CI would leave out what needs promtool."""
    config.addinivalue_line("markers", "promtool: needs promtool")
    if "CI" in os.environ and PROMTOOL is None:
        raise pytest.UsageError("promtool is not installed; CI leaves nothing out.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs promtool where it is not installed."""
    if PROMTOOL is None:
        items[:] = [item for item in items if not item.get_closest_marker("promtool")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once that promtool is not installed."""
    if PROMTOOL is None:
        terminalreporter.write_line(
            "promtool is not installed here: deploy/alerts.yml was not run."
        )
