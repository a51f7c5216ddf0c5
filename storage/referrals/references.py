"""The references that people are given: short, easy to say, and nobody else's."""

import secrets

from sqlalchemy import exists, select

from storage.tables import CONVERSATION, REFERRAL
from storage.unit import Unit

CODE_ALPHABET = "ACDEFGHJKMNPQRTWXY34679"


def fresh_reference(unit: Unit) -> str:
    """Return a reference nobody has, in letters and digits that are not mistaken for others."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    reference = f"{letters[:4]}-{letters[4:]}"
    sent = exists().where(REFERRAL.c.reference == reference)
    aside = exists().where(CONVERSATION.c.reference == reference)
    # A row that is still to be written can only be in the way by a chance in 10^10, and is noticed.
    taken = unit.unflushed.execute(select(sent | aside)).scalar_one()
    return fresh_reference(unit) if taken else reference
