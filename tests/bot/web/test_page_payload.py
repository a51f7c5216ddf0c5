"""What is kept of a page: written and read by one class, under the keys that old rows have."""

import pytest

from bot.channels.page import PageChannel
from bot.web.page_payload import PagePayload
from flows.inputs import FormSubmission
from flows.vocabulary import Journey, Source

WHOLE = PagePayload(
    "web",
    "an address",
    (("offence", "burglary"), ("line", "46/1")),
    Journey.OFFICER,
    send=True,
    can_share_number=True,
    can_open_page=True,
    typed_by="priya",
    source=Source.PHONE,
)
OLD_BODY = {
    "channel": "web",
    "address": "an address",
    "filled": [["offence", "burglary"], ["line", "46/1"]],
    "journey": "officer",
    "send": True,
    "shares": True,
    "pages": True,
    "typed_by": "priya",
    "door": "phone",
}


def test_the_keys_are_those_of_rows_that_wait_since_an_earlier_release() -> None:
    assert WHOLE.to_body() == OLD_BODY
    assert PagePayload.from_body(OLD_BODY) == WHOLE


def test_what_an_earlier_release_left_out_takes_its_default() -> None:
    kept = ("channel", "address", "filled", "journey", "send")
    read = PagePayload.from_body({key: OLD_BODY[key] for key in kept})
    assert read == PagePayload("web", "an address", WHOLE.form_fields, Journey.OFFICER, send=True)


@pytest.mark.parametrize("missing", ["channel", "address", "filled", "journey", "send"])
def test_a_body_without_its_parts_is_no_page(missing: str) -> None:
    with pytest.raises(KeyError):
        PageChannel().translate({key: OLD_BODY[key] for key in OLD_BODY if key != missing})


def test_a_page_is_heard_by_the_chat_that_it_belongs_to() -> None:
    inbound = PageChannel().translate(WHOLE.to_body())
    assert inbound is not None and isinstance(inbound.user_input, FormSubmission)
    assert (inbound.address, inbound.reply_channel) == ("an address", "web")
    assert inbound.user_input.fields == WHOLE.form_fields
    sender = inbound.user_input.sender
    assert (sender.typed_by, sender.source) == ("priya", Source.PHONE)
