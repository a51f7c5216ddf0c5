"""The references that people are given: short, easy to say, and nobody else's."""

import secrets

from sqlalchemy import Connection, exists, select

from storage.tables import CONVERSATION, REFERRAL

CODE_ALPHABET = "ACDEFGHJKMNPQRTWXY34679"


def fresh_reference(conn: Connection) -> str:
    """Return a reference nobody has, in letters and digits that are not mistaken for others."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    reference = f"{letters[:4]}-{letters[4:]}"
    sent = exists().where(REFERRAL.c.reference == reference)
    aside = exists().where(CONVERSATION.c.reference == reference)
    taken = conn.execute(select(sent | aside)).scalar_one()
    return fresh_reference(conn) if taken else reference
