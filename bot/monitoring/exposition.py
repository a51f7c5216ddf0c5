"""The metrics in the Prometheus text format. The only file that knows prometheus_client.

Labels come from closed sets of ours: channels, queues, what is led. No label and no value is of a
person, a chat or a referral.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from bot.monitoring.figures import DatabaseFigures
from bot.monitoring.measurements import BOUNDS, DurationHistogram, LedWork, Measurements
from flows.vocabulary import Queue
from storage.chats.backlog import Backlog

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_DISTRIBUTION = "rj-intake"
_PROJECT_FILE = Path(__file__).parents[2] / "pyproject.toml"
_PROCESS = ProcessCollector(registry=None)


@dataclass(frozen=True, slots=True)
class Observed:
    """What one process knows at `now` (aware): `figures` is None when the database gave none.

    `channels` are those that it sends on, `started_at` is when it began.
    """

    measurements: Measurements
    figures: DatabaseFigures | None
    channels: Collection[str]
    started_at: datetime
    now: datetime


def render_metrics(observed: Observed) -> bytes:
    """Return the page: what this process measured, and what the database tells."""
    registry = CollectorRegistry()
    registry.register(_ObservedCollector(observed))
    registry.register(_PROCESS)
    return generate_latest(registry)


def release() -> str:
    """Return the version of this program, as pyproject.toml has it."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return str(tomllib.loads(_PROJECT_FILE.read_text("utf-8"))["project"]["version"])


class _ObservedCollector(Collector):
    def __init__(self, observed: Observed) -> None:
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        observed, figures = self._observed, self._observed.figures
        yield _info("rj_build_info", "The release that runs.", version=release())
        yield from _process_families(observed)
        up = "1 when the database answered in time, else 0 and all that it tells is missing."
        yield _gauge("rj_database_up", up, float(figures is not None))
        if figures:
            yield from _database_families(figures, observed.started_at)
            yield from _backlog_families(figures, observed.channels)
            yield from _promise_families(figures)


def _process_families(observed: Observed) -> Iterator[Metric]:
    measured = observed.measurements
    yield _histogram(
        "rj_answer_seconds", "From an input's arrival to its committed answer.", measured.answers
    )
    yield _histogram("rj_batch_seconds", "Time of a transaction of answers.", measured.batches)
    told = "1 while this process does it, and no other one does."
    leads = GaugeMetricFamily("rj_leads", told, labels=["work", "channel"])
    per_channel = [(LedWork.DELIVER, channel) for channel in sorted(observed.channels)]
    alone = [(LedWork.RECEIVE, ""), *per_channel, (LedWork.SWEEP, "")]
    for work, channel in alone:
        leads.add_metric([work, channel], float((work, channel) in measured.leads))
    yield leads
    if measured.polls_telegram:
        age = _age(measured.telegram_answered_at or observed.started_at, observed.now)
        told = "Since Telegram answered a poll of this process, or since the process began."
        yield _gauge("rj_telegram_poll_age_seconds", told, age)


def _database_families(figures: DatabaseFigures, started_at: datetime) -> Iterator[Metric]:
    yield _info(
        "rj_database_info",
        "Which database it is, and the revision of its schema.",
        engine=figures.engine,
        version=figures.version,
        schema=figures.schema,
    )
    swept = _age(figures.swept_at or started_at, figures.read_at)
    yield _gauge("rj_sweep_age_seconds", "Since the last sweep; it should run every minute.", swept)
    yield _gauge(
        "rj_signposts_today", "Times that words of danger were met.", figures.signposts_today
    )
    unanswered = figures.unanswered_questions_today
    yield _gauge("rj_unanswered_questions_today", "Questions no topic was near to.", unanswered)
    stored = "Questions without an answer, stored for staff."
    yield _gauge("rj_missed_questions", stored, figures.missed_questions)
    given_up = "Messages that could not be sent and are not tried again."
    yield _gauge("rj_outbox_given_up_today", given_up, figures.given_up_today)


def _backlog_families(figures: DatabaseFigures, channels: Collection[str]) -> Iterator[Metric]:
    now = figures.read_at
    yield _gauge("rj_inbox_waiting", "Inputs that are not answered yet.", figures.inbox.waiting)
    yield _gauge(
        "rj_inbox_oldest_age_seconds",
        "Since the oldest unanswered input came in; 0 when there is none.",
        _backlog_age(figures.inbox, now),
    )
    aside = "Inputs that could not be answered and are kept for somebody to look at."
    yield _gauge("rj_inbox_set_aside", aside, figures.set_aside)
    everywhere = {channel: Backlog() for channel in channels} | dict(figures.outbox)
    waiting = {channel: one.waiting for channel, one in everywhere.items()}
    yield _by("channel", "rj_outbox_waiting", "Messages to be sent, now or later.", waiting)
    ages = {channel: _backlog_age(one, now) for channel, one in everywhere.items()}
    oldest = "Since the oldest message was due that is not sent; 0 when none is due."
    yield _by("channel", "rj_outbox_oldest_age_seconds", oldest, ages)
    dead = dict.fromkeys(everywhere, 0) | dict(figures.dead)
    letters = "Given up, and kept for staff to send again at /desk/deliveries."
    yield _by("channel", "rj_outbox_dead", letters, dead)


def _promise_families(figures: DatabaseFigures) -> Iterator[Metric]:
    clocks = figures.promises
    left = {queue: -_age(one.earliest, figures.read_at) for queue, one in clocks.items()}
    told = "Until the earliest promise of contact is due that nobody has kept; negative when late."
    yield _by("queue", "rj_promise_seconds", told, left)
    overdue = {str(queue): 0 for queue in Queue} | {q: one.overdue for q, one in clocks.items()}
    yield _by("queue", "rj_promises_overdue", "Promises of contact that are late.", overdue)


def _age(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()


def _backlog_age(one: Backlog, now: datetime) -> float:
    return max(0.0, _age(one.due_since, now)) if one.due_since else 0.0


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _info(name: str, documentation: str, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=list(labels))
    family.add_metric(list(labels.values()), 1.0)
    return family


def _by(label: str, name: str, documentation: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _histogram(name: str, documentation: str, measured: DurationHistogram) -> Metric:
    buckets, seen = [], 0
    for bound, n in zip((*map(str, BOUNDS), "+Inf"), measured.bins, strict=True):
        seen += n
        buckets.append((bound, float(seen)))
    return HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=measured.total)
