"""Measures the two listeners, questions and danger, on the labelled sets kept apart from them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from flows import content_files, wording
from flows.understanding import crisis, faq, text_match

PRESSURE = "pressure"


@dataclass(frozen=True, slots=True)
class FaqMetrics:
    """How typed questions are answered: counts of texts, and shares between 0 and 1."""

    in_scope: int
    in_suggestions: int
    direct: int
    direct_wrong: int
    out_of_scope: int
    out_of_scope_direct: int
    out_of_scope_suggested: int
    in_scope_by_topic: dict[str, int]
    in_suggestions_by_topic: dict[str, int]

    @property
    def share_in_suggestions(self) -> float:
        """Return the share of questions whose topic is among the suggestions; at least 0.85."""
        return self.in_suggestions / self.in_scope

    @property
    def share_wrong(self) -> float:
        """Return the share of direct answers that are of another topic; at most 0.03."""
        return self.direct_wrong / (self.direct or 1)

    @property
    def share_out_of_scope_direct(self) -> float:
        """Return the share of out-of-scope texts that are answered; at most 0.01."""
        return self.out_of_scope_direct / self.out_of_scope


@dataclass(frozen=True, slots=True)
class DangerKindMetrics:
    """One kind of danger in one wording: texts, those heard as any danger, as just this kind."""

    kind: str
    directness: str
    texts: int
    detected: int
    detected_as_kind: int


@dataclass(frozen=True, slots=True)
class DangerMetrics:
    """How danger is heard: each kind, explicit and indirect apart, and the false alarms."""

    by_kind: tuple[DangerKindMetrics, ...]
    harmless: int
    false_alarms: int


def measure_faq() -> FaqMetrics:
    """Return the figures for the labelled questions, which are in English.

    A labelled text that somebody has since written down as a phrasing too, word for word, proves
    nothing and is left out.
    """
    labelled = content_files.load_toml("labelled/faq.toml")
    asked = [
        (topic, text)
        for topic, texts in labelled["asked"].items()
        for text in _without_known_phrasings(texts)
    ]
    found = [(topic, faq.suggest("en", text)) for topic, text in asked]
    answers = [(topic, one.answer) for topic, one in found if one.answer]
    right = [topic for topic, one in found if topic in one.suggestions]
    beyond = [
        faq.suggest("en", text)
        for text in _without_known_phrasings(labelled["out_of_scope"]["questions"])
    ]
    return FaqMetrics(
        in_scope=len(asked),
        in_suggestions=len(right),
        direct=len(answers),
        direct_wrong=sum(topic != answer for topic, answer in answers),
        out_of_scope=len(beyond),
        out_of_scope_direct=sum(one.answer is not None for one in beyond),
        out_of_scope_suggested=sum(bool(one.suggestions) for one in beyond),
        in_scope_by_topic=dict(Counter(topic for topic, _ in asked)),
        in_suggestions_by_topic=dict(Counter(right)),
    )


def measure_danger() -> DangerMetrics:
    """Return the figures for the labelled messages; pressure is a kind here, heard on its own."""
    labelled = content_files.load_toml("labelled/danger.toml")
    safe = labelled["safe"]["messages"]
    return DangerMetrics(
        by_kind=tuple(
            _measure_kind(kind, wording, (row["text"] for row in rows if row["wording"] == wording))
            for kind, rows in labelled["danger"].items()
            for wording in ("explicit", "indirect")
        ),
        harmless=len(safe),
        false_alarms=sum(crisis.detect_danger(text) is not None for text in safe),
    )


def _without_known_phrasings(texts: Iterable[str]) -> tuple[str, ...]:
    phrasings = _phrasings()
    return tuple(text for text in texts if text_match.normalize(text) not in phrasings)


@cache
def _phrasings() -> frozenset[str]:
    keys = ["elsewhere.asked", *(f"faq.{topic.id}.asked" for topic in faq.topics())]
    return frozenset(text_match.normalize(one) for key in keys for one in wording.words("en", key))


def _measure_kind(kind: str, directness: str, texts: Iterable[str]) -> DangerKindMetrics:
    if kind == PRESSURE:
        marks = [crisis.detect_pressure(text) for text in texts]
        return DangerKindMetrics(kind, directness, len(marks), sum(marks), sum(marks))
    kinds = [crisis.detect_danger(text) for text in texts]
    return DangerKindMetrics(
        kind,
        directness,
        texts=len(kinds),
        detected=sum(one is not None for one in kinds),
        detected_as_kind=sum(one == kind for one in kinds),
    )
