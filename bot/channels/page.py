"""The channel named page: what was filled in on a page, for a chat that goes on elsewhere."""

from collections.abc import Mapping

from bot.channels import Arrived, Body, Refused
from bot.web.page_payload import PAGE
from flows.conversation import Heard, Hearing


class PageChannel:
    """Hears pages; their chats' own channels answer."""

    name = PAGE
    limited = False

    def translate(self, body: Body) -> Arrived | None:
        """Return what a page said to which chat; raise KeyError for what is not one of ours."""
        heard = Heard(
            Hearing.FILLED,
            "send" if body["send"] else "",
            str(body["journey"]),
            can_share_number=bool(body.get("shares")),
            can_open_page=bool(body.get("pages")),
            language=body.get("language"),
            filled=tuple((str(key), str(typed)) for key, typed in body["filled"]),
            typed_by=str(body.get("typed_by", "")),
            door=str(body.get("door", "")),
        )
        return Arrived(str(body["address"]), heard, channel=str(body["channel"]))

    async def send(self, address: str, kind: str, body: Mapping[str, object]) -> str | None:
        """Refuse: nothing is ever said on a page that was left."""
        raise Refused(f"page_{kind}")
