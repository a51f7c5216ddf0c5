"""How often a sign-in may fail: counted so that guessing is slow and nobody is locked out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from bot.desk.guard import At

BY_ADDRESS = "10/10 minutes"
BY_ACCOUNT = "10/hour"
BY_KNOWN_BROWSER = "10/hour"


@dataclass(frozen=True, slots=True)
class Attempts:
    """The counts that one attempt falls under: rule and whose, each."""

    at: At
    counts: tuple[tuple[str, str], ...]
    known: bool

    @asynccontextmanager
    async def one_by_one(self) -> AsyncIterator[None]:
        """Let only one attempt be checked at a time, so that many at once are all counted."""
        async with self.at.desk.locks["known browsers" if self.known else "strangers"]:
            yield

    def wait(self) -> int:
        """Return in how many seconds the next attempt may be made; 0 at once."""
        limiter = self.at.desk.limiter
        return max(limiter.wait(rule, whose) for rule, whose in self.counts)

    def failed(self) -> None:
        """Count a failure."""
        for rule, whose in self.counts:
            self.at.desk.limiter.may(rule, whose)

    def first_of_an_hour(self) -> bool:
        """Return whether this hour holds no line yet about being made to wait."""
        whose = self.counts[-1][1]
        return self.at.desk.limiter.may("1/hour", f"told {whose}")


def by_name(at: At, name: str, mark: str) -> Attempts:
    """Return the counts for signing in to an account; `mark` is "" in an unknown browser."""
    if mark:
        return Attempts(at, ((BY_KNOWN_BROWSER, f"sign-in known {mark}"),), True)
    by_account = (BY_ACCOUNT, f"sign-in account {name[:60]}")
    return Attempts(at, (_by_address(at), by_account), False)


def by_address(at: At) -> Attempts:
    """Return the counts for what is tried without a name: passkeys, one-time codes."""
    return Attempts(at, (_by_address(at),), False)


def by_sign_in(at: At) -> Attempts:
    """Return the counts for the password that somebody signed in is asked again."""
    whose = at.signed.staff_id if at.signed else ""
    return Attempts(at, ((BY_KNOWN_BROWSER, f"password {whose}"),), True)


def _by_address(at: At) -> tuple[str, str]:
    return (
        BY_ADDRESS,
        f"sign-in address {network(at.request.client.host if at.request.client else '')}",
    )


def network(host: str) -> str:
    """Return an address, or the network that one house has of the longer kind (/64)."""
    try:
        found = ip_address(host)
    except ValueError:
        return host[:60]
    return str(int(found) >> 64) if isinstance(found, IPv6Address) else host
