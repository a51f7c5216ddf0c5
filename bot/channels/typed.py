"""The channel named typed: what staff typed for somebody who rang or wrote; nobody is answered."""

from bot.channel_interface import Body, InboundEvent, PermanentFailure
from bot.web.page_payload import MANUAL_ENTRY_CHANNEL
from flows.vocabulary import OutboxKind


class ManualEntryChannel:
    """Where a conversation has no screen of its own: what is said in it is dropped."""

    name = MANUAL_ENTRY_CHANNEL
    rate_limited = False

    def translate(self, body: Body) -> InboundEvent | None:
        """Refuse: what staff type arrives as a page."""
        raise PermanentFailure("typed_arrived")

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Do nothing; the member of staff sees the referral in the queue."""
        return None
