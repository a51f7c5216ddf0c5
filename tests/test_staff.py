"""Accounts of staff: invited, joined, changed, disabled."""

from tests.desk_fixtures import AtTheDesk


async def test_a_browser_of_somebody_signed_in(desk: AtTheDesk) -> None:
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.get("/health")).text == "ok"
