"""Rate limits for failed sign-ins: guessing is slowed, and no account is locked out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.desk.guard import DeskRequest

PER_ADDRESS = "10/10 minutes"
PER_ACCOUNT = "10/hour"
PER_KNOWN_BROWSER = "10/hour"


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """The counts that one attempt falls under: rule and whose, each."""

    request: DeskRequest
    limits: tuple[tuple[str, str], ...]
    known_browser: bool

    @asynccontextmanager
    async def serialized(self) -> AsyncIterator[None]:
        """Let only one attempt be checked at a time, so that many at once are all counted."""
        whose = "known browsers" if self.known_browser else "strangers"
        async with self.request.runtime.locks[whose]:
            yield

    def retry_after(self) -> int:
        """Return in how many seconds the next attempt may be made; 0 at once."""
        limiter = self.request.runtime.limiter
        return max(limiter.retry_after(rule, whose) for rule, whose in self.limits)

    def record_failure(self) -> None:
        """Count a failure."""
        for rule, whose in self.limits:
            self.request.runtime.limiter.allow(rule, whose)

    def first_limit_this_hour(self) -> bool:
        """Return whether this hour holds no line yet about being made to wait."""
        whose = self.limits[-1][1]
        return self.request.runtime.limiter.allow("1/hour", f"told {whose}")


def limits_for_account(request: DeskRequest, name: str, device_token: str) -> AttemptLimits:
    """Return the counts for signing in to an account; no `device_token`: an unknown browser."""
    if device_token:
        return AttemptLimits(request, ((PER_KNOWN_BROWSER, f"sign-in known {device_token}"),), True)
    by_account = (PER_ACCOUNT, f"sign-in account {name[:60]}")
    return AttemptLimits(request, (_address_limit(request), by_account), False)


def limits_for_address(request: DeskRequest) -> AttemptLimits:
    """Return the counts for what is tried without a name: passkeys, one-time codes."""
    return AttemptLimits(request, (_address_limit(request),), False)


def limits_for_password_check(request: DeskRequest) -> AttemptLimits:
    """Return the counts for the password that somebody signed in is asked again."""
    whose = request.staff_session.staff_id if request.staff_session else ""
    return AttemptLimits(request, ((PER_KNOWN_BROWSER, f"password {whose}"),), True)


def _address_limit(request: DeskRequest) -> tuple[str, str]:
    return PER_ADDRESS, f"sign-in address {request.client_network}"
