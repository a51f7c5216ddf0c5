"""The only file that knows `pyotp`: the six-digit codes of an authenticator app (RFC 6238)."""

import secrets
from datetime import datetime

import pyotp

STEP = 30
"""Seconds that one code lasts."""
_AROUND = (0, -1, 1)
"""Which time steps are good: a telephone's clock may be half a minute out."""


def new_secret() -> str:
    """Return a fresh secret of 160 bits, in the letters that an app takes."""
    return pyotp.random_base32(32)


def address(secret: str, name: str, service: str) -> str:
    """Return what stands in the picture that an app scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=service)


def step_of(secret: str, typed: str, now: datetime) -> int | None:
    """Return the time step whose code this is, near now; None when it is no code."""
    plain = "".join(typed.split())[:12]
    for step in (step_at(now) + around for around in _AROUND):
        if secrets.compare_digest(code_of(secret, step).encode(), plain.encode("utf-8", "replace")):
            return step
    return None


def step_at(now: datetime) -> int:
    """Return the time step of a moment."""
    return int(now.timestamp()) // STEP


def code_of(secret: str, step: int) -> str:
    """Return the code of a time step, which an app shows."""
    return pyotp.TOTP(secret).generate_otp(step)


def unused(secret: str, last_step: int, now: datetime) -> str:
    """Return a code that is good now and was not used; for the demo, which has no telephone."""
    first = step_at(now) + min(_AROUND)
    return code_of(secret, max(first, last_step + 1))
