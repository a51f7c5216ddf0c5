"""The channel named typed: what staff typed for somebody who rang or wrote; nobody is answered."""

from bot.channels import Arrived, Body, Refused
from bot.web.page_payload import TYPED


class TypedChannel:
    """Where a conversation has no screen of its own: what is said in it is dropped."""

    name = TYPED
    limited = False

    def translate(self, body: Body) -> Arrived | None:
        """Refuse: what staff type arrives as a page."""
        raise Refused("typed_arrived")

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Do nothing; the member of staff sees the referral in the queue."""
        return None
