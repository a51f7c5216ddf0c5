"""One referral at the desk: what stands first, what is hidden, and who is noted as having looked."""

import pytest

from tests.desk_fixtures import AtTheDesk
from tests.sent import BY_OFFICER, HARMED, MORE, send

pytest_plugins = ["tests.desk_fixtures"]
ONE = "AAAA-CCCC"


async def test_thin(desk: AtTheDesk) -> None:
    mira = await desk.signed_in("mediator", "mira")
    send(desk, ONE, {**HARMED, **MORE})
    shown = await mira.get("/desk/queue")
    open("/tmp/q/queue.html", "w").write(shown.text)
    assert shown.status_code == 200
    shown = await mira.get(f"/desk/r/{ONE}")
    open("/tmp/q/before.html", "w").write(shown.text)
    assert shown.status_code == 200
    done = await mira.presses(f"/desk/r/{ONE}", f"/desk/r/{ONE}/claim")
    assert done.status_code == 303, done.text
    shown = await mira.get(done.headers["location"])
    open("/tmp/q/after.html", "w").write(shown.text)
    assert "Maya" in shown.text
