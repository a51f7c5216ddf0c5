"""The only file that knows `pyotp`: the six-digit codes of an authenticator app (RFC 6238)."""

import secrets
from datetime import datetime

import pyotp

TIME_STEP_SECONDS = 30
"""Seconds that one code lasts."""
_TOLERATED_STEPS = (0, -1, 1)
"""Which time steps are good: a telephone's clock may be half a minute out."""


def new_secret() -> str:
    """Return a fresh secret of 160 bits, in the letters that an app takes."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, name: str, service: str) -> str:
    """Return what stands in the picture that an app scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=service)


def matching_time_step(secret: str, typed: str, now: datetime) -> int | None:
    """Return the time step whose code this is, near now; None when it is no code."""
    plain = "".join(typed.split())[:12]
    for step in (time_step_at(now) + around for around in _TOLERATED_STEPS):
        if secrets.compare_digest(code_of(secret, step).encode(), plain.encode("utf-8", "replace")):
            return step
    return None


def time_step_at(now: datetime) -> int:
    """Return the time step of a moment."""
    return int(now.timestamp()) // TIME_STEP_SECONDS


def code_of(secret: str, time_step: int) -> str:
    """Return the code of a time step, which an app shows."""
    return pyotp.TOTP(secret).generate_otp(time_step)


def unused_code(secret: str, last_time_step: int, now: datetime) -> str:
    """Return a code that is good now and was not used; for the demo, which has no telephone."""
    first = time_step_at(now) + min(_TOLERATED_STEPS)
    return code_of(secret, max(first, last_time_step + 1))
