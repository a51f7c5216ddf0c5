"""The few people whom the stories are about. Their numbers are those that Ofcom keeps for drama."""

from dataclasses import dataclass

from flows.officers import Officer


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who writes to the service, with what their phone knows about them."""

    name: str
    phone: str
    email: str
    language: str = "en"
    officer: Officer | None = None


MAYA = Persona("Maya", "+447700900417", "maya@example.com")
"""Harmed, writes from her phone."""
TOM = Persona("Tom", "+447700900416", "tom@example.com")
"""Sixteen years old."""
INES = Persona("Ines", "+447700900733", "ines@example.com", language="pt")
"""English is her second language."""
SAM = Persona(
    "Sam",
    "+447700900101",
    "sam.reed@kent.example",
    officer=Officer("PC Sam Reed", "Kent Police", "sam.reed@kent.example", verified=True),
)
"""PC Sam Reed, who came by invitation."""
JO = Persona(
    "Jo",
    "+447700900202",
    "jo.marsh@kent.example",
    officer=Officer("PC Jo Marsh", "Kent Police", "jo.marsh@kent.example"),
)
"""PC Jo Marsh, whom nobody invited."""
CAST = {one.name: one for one in (MAYA, TOM, INES, SAM, JO)}

PRIYA, LEE = "Priya", "Lee"
"""They work the queue; Priya is on duty."""
