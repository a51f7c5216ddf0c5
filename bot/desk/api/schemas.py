"""What the JSON API takes and gives, as its own shapes; the description is made from them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from flows import casework
from storage.referrals.rows import QueueEntry


def _require_recordable(act: str) -> str:
    if act not in casework.ACTS.recordable():
        raise ValueError("another system cannot record this act")
    return act


def _describe_recordable(schema: JsonDict) -> None:
    schema["enum"] = [act.value for act in casework.ACTS.recordable()]


RecordableAct = Annotated[
    str, AfterValidator(_require_recordable), Field(json_schema_extra=_describe_recordable)
]
"""What another system may record; transferring and erasing are done at the desk, by a person."""
Reference = Annotated[str, Field(description="Eight letters and numbers, such as ACDE-3467.")]
UtcTime = Annotated[datetime, Field(description="A time with its zone, in UTC.")]


class _Schema(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")


class ReferralListItem(_Schema):
    """One line of the queue: nothing that a person said."""

    reference: Reference
    queue: str = Field(description="adults, young_people, specialist, support or check.")
    provider: str = Field(description="Who works this queue.")
    door: str = Field(
        validation_alias="source", description="Where it came in: a channel, or phone or paper."
    )
    journey: str = Field(description="self, callback or officer.")
    stage: str = Field(description="new, claimed, in_touch, waiting, paused, closed, ...")
    owner: str | None = Field(description="Who has it.")
    sent_at: UtcTime
    due: datetime = Field(description="When the person was promised to hear from us.")
    until: datetime | None = Field(description="When staff come back to it.")
    urgent: bool
    may_contact: bool = Field(description="False: make no contact.")
    hold: bool = Field(description="True: it waits, for example for a live case.")
    unseen: bool = Field(description="True: the person did something nobody has looked at.")
    late: bool = Field(description="True: the promised time has passed.")
    flags: list[str] = Field(description="Codes of what to take note of.")


class ReferralList(_Schema):
    """One page of the list, the oldest first."""

    referrals: list[ReferralListItem]
    next: str | None = Field(description="Give it as `cursor` for the next page; none at the end.")


class AnswerDetail(_Schema):
    """One question and its answer, with the wording as it was shown."""

    question: str
    asked: str
    given: str = Field(description="said, not_sure, rather_not_say, skipped or not_asked.")
    value: str = Field(description="The option's code, or what was typed.")
    label: str = Field(description="The answer as it was shown.")
    by: str = Field(description="Who said it.")
    at: datetime | None
    wording: str = Field(description="Which version of the words was shown.")
    language: str


class StepDetail(_Schema):
    """One dated act, and the stage it led to."""

    act: str
    who: str
    at: UtcTime
    stage: str
    note: str
    until: datetime | None


class ReferralDetail(_Schema):
    """A whole referral. Read `safe_contact` and `may_contact` before any number."""

    reference: Reference
    may_contact: bool = Field(description="False: make no contact.")
    safe_contact: list[AnswerDetail] = Field(description="What was not answered here is not safe.")
    stage: str
    acts: list[str] = Field(description="What can be done next.")
    queue: str
    provider: str
    door: str
    journey: str
    hold: bool
    urgent: bool
    flags: list[str]
    reasons: list[str] = Field(description="Codes of why it is in this queue.")
    sent_at: UtcTime
    due: UtcTime
    zone: str = Field(description="The time zone in which the time was promised.")
    consent: str = Field(description="The words that were agreed to.")
    consented_at: UtcTime
    lines: list[AnswerDetail]
    steps: list[StepDetail]
    wording: str
    language: str
    officer_name: str
    officer_agency: str
    officer_contact: str
    officer_verified: bool
    typed_by: str = Field(description="Who typed it, when it came by phone or on paper.")


class StepRequest(_Schema):
    """An act to record."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    act: RecordableAct
    note: str = Field(default="", max_length=2000, description="Only staff can ever read it.")
    until: AwareDatetime | None = Field(default=None, description="When to come back to it.")


class StepResult(_Schema):
    """What was recorded, and the stage it led to."""

    reference: Reference
    act: str
    stage: str


class TokenStatus(_Schema):
    """The token works, and what for."""

    status: Literal["ok"]
    key: str = Field(description="The name of the key.")
    scopes: list[str]


class ProblemDetails(_Schema):
    """What went wrong (RFC 9457); it never repeats what was sent."""

    type: Literal["about:blank"] = "about:blank"
    title: str = Field(description="What went wrong, in plain words.")
    status: int
    code: str = Field(description="A code that stays the same.")
    fields: list[str] = Field(default=[], description="Which fields did not fit.")


def list_item(entry: QueueEntry) -> ReferralListItem:
    """Return a line of the queue as it is given."""
    return ReferralListItem.model_validate(entry, from_attributes=True)
