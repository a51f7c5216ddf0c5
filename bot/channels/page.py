"""The channel named page: what was filled in on a page, for a chat that goes on elsewhere."""

from collections.abc import Mapping

from bot.channel_interface import Body, InboundEvent, PermanentFailure
from bot.web.page_payload import PAGE_CHANNEL, PagePayload
from flows.inputs import FormSubmission, Sender
from flows.vocabulary import OutboxKind


class PageChannel:
    """Hears pages; their chats' own channels answer."""

    name = PAGE_CHANNEL
    rate_limited = False

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a page said to which chat.

        Raises KeyError or ValueError for what is not one of ours.
        """
        page = PagePayload.from_body(body)
        sender = Sender(
            can_share_number=page.can_share_number,
            can_open_page=page.can_open_page,
            typed_by=page.typed_by,
            source=page.source,
        )
        heard = FormSubmission(page.form_fields, page.journey, send=page.send, sender=sender)
        return InboundEvent(page.address, heard, reply_channel=page.channel)

    async def send(self, address: str, kind: OutboxKind, body: Mapping[str, object]) -> str | None:
        """Refuse: nothing is ever said on a page that was left."""
        raise PermanentFailure(f"page_{kind}")
