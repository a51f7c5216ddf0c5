"""A clock for each test, and what makes every program under test quick and patient."""

import os
from collections.abc import Iterator

import certifi
import pytest

from bot.channels.web import guard
from bot.desk import guard as desk_guard
from bot.desk.signin import passwords
from tests.harness.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of this test; it stands at START until it is moved."""
    return FakeClock()


@pytest.fixture(scope="session", autouse=True)
def cheap_hashing() -> Iterator[tuple[int, int]]:
    """Hash passwords at a small cost, so that a test can try many; give the real rounds and KiB."""
    real = passwords.ROUNDS, passwords.MEMORY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 1)
        patch.setattr(passwords, "MEMORY", 64)
        yield real


@pytest.fixture(scope="session", autouse=True)
def one_authority() -> Iterator[None]:
    """Trust the one authority of the environment: each client would read every public root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: os.environ["SSL_CERT_FILE"])
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_pages() -> Iterator[None]:
    """Let pages wait for the database as long as it takes.

    On a machine that has much else to do, five seconds pass and the page says that it is busy.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "DATABASE_TIMEOUT", 60.0)
        patch.setattr(desk_guard, "REFRESH_TIMEOUT", 60.0)
        yield
