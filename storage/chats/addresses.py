"""Where a chat is reached: sealed, and found by a fingerprint."""

from storage.unit import Unit


def address_fingerprint(unit: Unit, channel: str, address: str) -> str:
    """Return the fingerprint by which a chat is looked up."""
    return unit.fingerprint("chat", channel, address)


def address_context(chat_id: str) -> str:
    """Return the context that a chat's address is sealed for."""
    return f"chat/{chat_id}/address"
