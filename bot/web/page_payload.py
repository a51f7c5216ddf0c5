"""What is kept of a page that was filled in, until it is answered as anything else is."""

from typing import Any

from flows.conversation import Filled

PAGE, TYPED = "page", "typed"
"""The channel that pages come in by, and the one of conversations that staff type."""


def filled_body(
    channel: str,
    address: str,
    filled: Filled,
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
        "filled": [list(pair) for pair in filled],
        "journey": journey,
        "send": send,
        **more,
    }
