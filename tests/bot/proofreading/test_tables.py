"""The proofreader names what a table of the content lacks, and never fails on it."""

from dataclasses import replace

import pytest

from bot.proofreading import tables
from flows.understanding import faq


def test_a_topic_without_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = (*faq.topics(), replace(faq.topics()[0], id="just_begun"))
    monkeypatch.setattr(faq, "topics", lambda: topics)
    few = f"The topic just_begun has fewer than {tables.MIN_PHRASINGS} ways to ask for it."
    assert list(tables.topic_problems("en")) == [few]
