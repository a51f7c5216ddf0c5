"""What staff see of the queue and of one referral, as lines of text and as JSON."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from flows import casework
from flows.record import Record, RecordLine
from flows.referral.handover import has_victim_details
from flows.vocabulary import AnswerStatus, Journey
from flows.wording import FIRST_LANGUAGE, format_time, has, say
from storage.referrals.rows import QueueEntry, ReferralStep

_L = FIRST_LANGUAGE
_KEYS = {"wording_version": "wording", "source": "door", "actor": "who"}
_LINE_KEYS = {
    "prompt": "asked",
    "status": "given",
    "answered_by": "by",
    "answered_at": "at",
    "wording_version": "wording",
}
"""JSON keys of the command line and of API v1, a contract, by our own field names."""


def queue_lines(entries: list[QueueEntry]) -> list[str]:
    """Return the queue, one line a referral: no names, no words of a person."""
    if not entries:
        return [say(_L, "desk.queue.empty")]
    heads = ("reference", "be in touch by", "queue", "stage", "owner", "note")
    rows = [heads, *map(_entry_row, entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads) - 1)]
    cells = [[c.ljust(w) for c, w in zip(row, widths, strict=False)] for row in rows]
    return ["  ".join([*padded, row[-1]]) for padded, row in zip(cells, rows, strict=True)]


def queue_json(entry: QueueEntry) -> dict[str, Any]:
    """Return one line of the queue as JSON."""
    return {_KEYS.get(key, key): _json_scalar(value) for key, value in asdict(entry).items()}


def record_lines(
    record: Record, history: list[ReferralStep], stage: str, may_contact: bool
) -> list[str]:
    """Return one referral as text: how to make contact safely stands first."""
    lines = [f"{record.reference}  {say(_L, f'desk.queues.{record.queue}')}  {record.provider}"]
    lines += [f"Be in touch by {format_time(_L, record.due)}", "", "SAFE CONTACT"]
    if not may_contact:
        lines.append(f"  {say(_L, 'desk.queue.no_contact')}")
    if record.officer_contact:
        officer = f"{record.officer_name}, {record.officer_agency}, {record.officer_contact}"
        lines.append(f"  {say(_L, f'desk.queue.{_officer_key(record)}')} {officer}")
    lines += _safe_contact(record)
    lines += ["", "WHY HERE", *(f"  {_label('reasons', one)}" for one in record.reasons)]
    if record.flags:
        lines += ["", "TAKE NOTE", *(f"  {_label('flags', one)}" for one in record.flags)]
    lines += ["", f"CONSENT  {record.consented_at:%d %B %Y %H:%M} UTC"]
    lines += [f"  {one}" for one in record.consent.splitlines() if one]
    lines += ["", "ANSWERS", *(f"  {_answer_text(line)}" for line in record.lines)]
    lines += ["", "STEPS", *(f"  {_step_text(step)}" for step in reversed(history))]
    acts = ", ".join(casework.allowed_acts(stage))
    return [*lines, "", f"NEXT  {acts}"]


def _officer_key(record: Record) -> str:
    if record.journey != Journey.OFFICER:
        return "introduced_by"
    return "ring_officer_first" if has_victim_details(record) else "ring_officer"


def record_json(record: Record, history: list[ReferralStep], stage: str) -> dict[str, Any]:
    """Return one referral as JSON, with its steps and what can be done next."""
    told: dict[str, Any] = {_KEYS.get(k, k): v for k, v in _to_json(asdict(record)).items()}
    for part in ("lines", "safe_contact"):
        told[part] = [{_LINE_KEYS.get(k, k): v for k, v in line.items()} for line in told[part]]
    told["stage"] = stage
    told["acts"] = list(casework.allowed_acts(stage))
    steps = [_to_json(asdict(step)) for step in history]
    told["steps"] = [{_KEYS.get(k, k): v for k, v in step.items()} for step in steps]
    return told


def _entry_row(entry: QueueEntry) -> tuple[str, ...]:
    notes = [say(_L, "desk.queue.no_contact")] if not entry.may_contact else []
    notes += [_label("flags", flag) for flag in entry.flags if not flag.endswith("_not_known")]
    marks = ("! " if entry.unseen or entry.urgent else "") + ("LATE " if entry.late else "")
    return (
        entry.reference,
        marks + format_time(_L, entry.due),
        say(_L, f"desk.queues.{entry.queue}"),
        say(_L, f"desk.stages.{entry.stage}"),
        entry.owner or "-",
        "; ".join(notes),
    )


def _safe_contact(record: Record) -> list[str]:
    """Return the safe-contact block; what nobody answered is not safe, and is said so together."""
    told = [line for line in record.safe_contact if line.status == AnswerStatus.ANSWERED]
    lines = [f"  {_title(line)}: {line.label}" for line in told]
    open_ = [_title(line) for line in record.safe_contact if line.status != AnswerStatus.ANSWERED]
    return [*lines, f"  {say(_L, 'desk.queue.not_safe')}: {', '.join(open_)}"] if open_ else lines


def _title(line: RecordLine) -> str:
    return say(_L, f"questions.{line.question}.title")


def _answer_text(line: RecordLine) -> str:
    asked = line.prompt.split("\n", maxsplit=1)[0]
    answered = line.status == AnswerStatus.ANSWERED
    return f"{asked}  {line.label if answered else say(_L, f'desk.given.{line.status}')}"


def _step_text(step: ReferralStep) -> str:
    text = f"{step.at:%d %b %Y %H:%M} UTC  {step.actor}  {_label('acts', step.act)}"
    return f"{text}  {step.note}" if step.note else text


def _label(table: str, key: str) -> str:
    return say(_L, f"desk.{table}.{key}") if has(_L, f"desk.{table}.{key}") else key


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(one) for one in value]
    return _json_scalar(value)


def _json_scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
