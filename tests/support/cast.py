"""The few people whom the stories are about. Their numbers are those that Ofcom keeps for drama."""

from dataclasses import dataclass

from flows.conversation import Officer


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes to the service, with what their phone knows about them."""

    called: str
    phone: str
    email: str
    speaks: str = "en"
    officer: Officer | None = None


MAYA = Person("Maya", "+447700900417", "maya@example.com")
"""Harmed, writes from her phone."""
TOM = Person("Tom", "+447700900416", "tom@example.com")
"""Sixteen years old."""
INES = Person("Ines", "+447700900733", "ines@example.com", speaks="pt")
"""English is her second language."""
SAM = Person(
    "Sam",
    "+447700900101",
    "sam.reed@kent.example",
    officer=Officer("PC Sam Reed", "Kent Police", "sam.reed@kent.example", verified=True),
)
"""PC Sam Reed, who came by invitation."""
JO = Person(
    "Jo",
    "+447700900202",
    "jo.marsh@kent.example",
    officer=Officer("PC Jo Marsh", "Kent Police", "jo.marsh@kent.example"),
)
"""PC Jo Marsh, whom nobody invited."""
CAST = {one.called: one for one in (MAYA, TOM, INES, SAM, JO)}

PRIYA, LEE = "Priya", "Lee"
"""They work the queue; Priya is on duty."""
