"""The channel named page: what was filled in on a page, for a chat that goes on elsewhere."""

from collections.abc import Mapping

from bot.channels import Body, InboundEvent, PermanentFailure
from bot.web.page_payload import PAGE_CHANNEL
from flows.inputs import FormSubmission, Sender
from flows.vocabulary import Journey, Source


class PageChannel:
    """Hears pages; their chats' own channels answer."""

    name = PAGE_CHANNEL
    rate_limited = False

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a page said to which chat.

        Raises KeyError or ValueError for what is not one of ours.
        """
        sender = Sender(
            can_share_number=bool(body.get("shares")),
            can_open_page=bool(body.get("pages")),
            language=body.get("language"),
            typed_by=str(body.get("typed_by", "")),
            source=Source(body.get("door", "")),
        )
        fields = tuple((str(key), str(typed)) for key, typed in body["filled"])
        heard = FormSubmission(
            fields, Journey(body["journey"]), send=bool(body["send"]), sender=sender
        )
        return InboundEvent(str(body["address"]), heard, reply_channel=str(body["channel"]))

    async def send(self, address: str, kind: str, body: Mapping[str, object]) -> str | None:
        """Refuse: nothing is ever said on a page that was left."""
        raise PermanentFailure(f"page_{kind}")
