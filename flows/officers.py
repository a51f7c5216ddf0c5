"""Partner officers, and the introduction of a person who is with them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Officer:
    """A partner officer's own work details; `verified` when they came by invitation."""

    name: str
    agency: str
    contact: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Introduction:
    """An officer who is with somebody told us of them; `case_reference` is the officer's own."""

    officer: Officer
    case_reference: str = ""
    introduced_at: datetime | None = None
