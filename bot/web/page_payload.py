"""What is kept of a page that was filled in, until it is answered as anything else is."""

from typing import Any

from flows.inputs import FormFields

PAGE_CHANNEL, MANUAL_ENTRY_CHANNEL = "page", "typed"
"""The channel that pages come in by, and the one of conversations that staff type."""


def build_page_payload(
    channel: str,
    address: str,
    form_fields: FormFields,
    journey: str = "",
    send: bool = False,
    **more: object,
) -> dict[str, Any]:
    """Return what is kept of a page: the chat it belongs to, the answers, what comes of them.

    `journey` is begun if none is under way. `more` may say what the chat can offer (`shares`,
    `pages`), and for what staff typed who did and how it reached them (`typed_by`, `door`).
    """
    return {
        "channel": channel,
        "address": address,
        "filled": [list(pair) for pair in form_fields],
        "journey": journey,
        "send": send,
        **more,
    }
