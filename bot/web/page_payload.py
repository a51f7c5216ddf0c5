"""The page payload: what is stored of a submitted page until its turn, written and read."""

from dataclasses import dataclass
from typing import Any, Self

from flows.inputs import FormFields
from flows.vocabulary import Journey, Source

PAGE_CHANNEL, MANUAL_ENTRY_CHANNEL = "page", "typed"
"""The channel that pages come in by, and the one of conversations that staff type."""


@dataclass(frozen=True, slots=True)
class PagePayload:
    """The chat that a page belongs to, the answers on it, and what comes of them.

    `journey` is begun if none is under way. `can_share_number` and `can_open_page` are what the
    chat can offer. `typed_by` and `source` say who typed it, and how it reached them.
    """

    channel: str
    address: str
    form_fields: FormFields
    journey: Journey = Journey.NONE
    send: bool = False
    can_share_number: bool = False
    can_open_page: bool = False
    typed_by: str = ""
    source: Source = Source.NOT_KNOWN

    def to_body(self) -> dict[str, Any]:
        """Return the body of an inbox row; its keys are those of rows that wait since before."""
        return {
            "channel": self.channel,
            "address": self.address,
            "filled": [list(pair) for pair in self.form_fields],
            "journey": str(self.journey),
            "send": self.send,
            "shares": self.can_share_number,
            "pages": self.can_open_page,
            "typed_by": self.typed_by,
            "door": str(self.source),
        }

    @classmethod
    def from_body(cls, body: dict[str, Any]) -> Self:
        """Return what a row's body says; raise KeyError or ValueError for no page's."""
        return cls(
            str(body["channel"]),
            str(body["address"]),
            tuple((str(key), str(typed)) for key, typed in body["filled"]),
            Journey(body["journey"]),
            bool(body["send"]),
            bool(body.get("shares")),
            bool(body.get("pages")),
            str(body.get("typed_by", "")),
            Source(body.get("door", "")),
        )
