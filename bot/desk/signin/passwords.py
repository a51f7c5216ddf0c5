"""The only file that knows how passwords are hashed (argon2id) and which ones are refused."""

import asyncio
import unicodedata
from functools import cache

from argon2.low_level import Type
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST, LONGEST = 12, 200
"""Letters of a password. Length is all that is asked: NIST SP 800-63B-4, 3.1.1.2."""
ROUNDS, MEMORY = 3, 64 * 1024
"""What hashing costs: times over, and KiB (RFC 9106, section 4, the second choice)."""
_FEWEST_DIFFERENT = 5
_COMMON = (
    *("password", "passw0rd", "qwerty", "letmein", "welcome", "iloveyou", "administrator"),
    *("123456", "abcdef", "changeme", "football", "restorative", "mediator", "justice"),
)
_PADDING = "0123456789!?.-_ "


def hashed(password: str) -> str:
    """Return the hash of a password; that takes a tenth of a second."""
    return _hasher().hash(_plain(password))


async def hashed_aside(password: str) -> str:
    """Return the hash of a password, worked out beside the other requests."""
    return await asyncio.to_thread(hashed, password)


async def fits(password: str, kept: str | None) -> bool:
    """Return whether a password is the one kept; without one it takes as long, and is not."""
    return await asyncio.to_thread(_fits, password, kept)


def problem(password: str, name: str) -> str:
    """Return what is wrong with a new password: short, long, common, named; "" if nothing is."""
    plain = _plain(password).lower()
    if len(plain) < SHORTEST:
        return "short"
    if len(plain) > LONGEST:
        return "long"
    if name.lower() in plain:
        return "named"
    core = plain.strip(_PADDING)
    easy = len(set(plain)) < _FEWEST_DIFFERENT or core in _COMMON or not core
    doubled = any(one in plain and not plain.replace(one, "").strip(_PADDING) for one in _COMMON)
    return "common" if easy or doubled else ""


def _fits(password: str, kept: str | None) -> bool:
    if len(password) > 2 * LONGEST:
        password, kept = "", None
    try:
        right = _hasher().verify(_plain(password), kept or _nobodys())
    except UnknownHashError:
        return False
    return right and kept is not None


def _plain(password: str) -> str:
    """Return a password as it is hashed: the same letters however a keyboard wrote them."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode("utf-8")


def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(time_cost=ROUNDS, memory_cost=MEMORY, type=Type.ID),))


@cache
def _nobodys() -> str:
    """Return a hash that stands in where there is none, so that the time taken tells nothing."""
    return _hasher().hash("nobody has this password")
