"""The only file that knows how passwords are hashed (argon2id) and scored (zxcvbn)."""

import asyncio
import unicodedata
from functools import cache

from argon2.low_level import Type
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn import zxcvbn

MIN_LENGTH, MAX_LENGTH = 12, 200
"""Letters of a password. No kinds of letters are asked for: NIST SP 800-63B-4, 3.1.1.2."""
ROUNDS, MEMORY = 3, 64 * 1024
"""What hashing costs: times over, and KiB (RFC 9106, section 4, the second choice)."""
MIN_SCORE = 3
"""Of zxcvbn's 0 to 4: at least 10^8 guesses, which a slow hash turns into years. Wheeler, USENIX
Security 2016, and the README of the library."""
SCORED_LETTERS = 24
"""Only the first ones are scored: 72 made of `4@8({[` take 12 seconds, 24 of them one."""


def hash_password(password: str) -> str:
    """Return the hash of a password; that takes a tenth of a second."""
    return _hasher().hash(_normalize(password))


async def hash_password_async(password: str) -> str:
    """Return the hash of a password, worked out beside the other requests."""
    return await asyncio.to_thread(hash_password, password)


async def verify_password(password: str, stored_hash: str | None) -> bool:
    """Return whether a password is the one kept; without one it takes as long, and is not."""
    return await asyncio.to_thread(_verify, password, stored_hash)


async def password_problem(password: str, name: str) -> str:
    """Return what is wrong with a new password: short, long, named, easy; "" if nothing is."""
    plain = _normalize(password)
    if len(plain) < MIN_LENGTH:
        return "short"
    if len(plain) > MAX_LENGTH:
        return "long"
    if name.lower() in plain.lower():
        return "named"
    found = await asyncio.to_thread(zxcvbn, plain[:SCORED_LETTERS])
    return "easy" if found["score"] < MIN_SCORE else ""


def _verify(password: str, stored_hash: str | None) -> bool:
    if len(password) > 2 * MAX_LENGTH:
        password, stored_hash = "", None
    try:
        right = _hasher().verify(_normalize(password), stored_hash or _dummy_hash())
    except UnknownHashError:
        return False
    return right and stored_hash is not None


def _normalize(password: str) -> str:
    """Return a password as it is hashed: the same letters however a keyboard wrote them."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode("utf-8")


def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(time_cost=ROUNDS, memory_cost=MEMORY, type=Type.ID),))


@cache
def _dummy_hash() -> str:
    """Return a hash that stands in where there is none, so that the time taken tells nothing."""
    return _hasher().hash("nobody has this password")
