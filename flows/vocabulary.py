"""Closed sets of names that several packages share. Each value is what is stored and sent."""

from enum import StrEnum


class AnswerStatus(StrEnum):
    """How a question was met; the four are kept apart all the way to the record."""

    ANSWERED = "said"
    NOT_SURE = "not_sure"
    RATHER_NOT_SAY = "rather_not_say"
    SKIPPED = "skipped"


NON_ANSWERS = (AnswerStatus.NOT_SURE, AnswerStatus.RATHER_NOT_SAY, AnswerStatus.SKIPPED)
"""The three ways not to answer a question."""
NOT_ASKED = "not_asked"
"""In a record only: the status of a question that was off the path."""


class Journey(StrEnum):
    """Which set of questions: about oneself, by a partner officer, or only to be rung."""

    NONE = ""
    SELF = "self"
    OFFICER = "officer"
    CALLBACK = "callback"


JOURNEYS = (Journey.SELF, Journey.CALLBACK, Journey.OFFICER)
"""Those that somebody can be on."""


class AnsweredBy(StrEnum):
    """Whose answer it is. What a member of staff changed stands under their own name instead."""

    PERSON = "person"
    OFFICER = "officer"


class Option(StrEnum):
    """The options of questions that code decides by; content/questions.toml has them and more."""

    YES = "yes"
    NO = "no"
    NONE = "none"
    ADULT = "adult"
    YOUNG = "young"
    PUSHED = "pushed"
    DOMESTIC = "domestic"
    SEXUAL = "sexual"
    DISPUTE = "dispute"
    PARTNER = "partner"
    EX_PARTNER = "ex_partner"
    FAMILY = "family"
    NOW = "now"
    BEFORE = "before"
    ELSEWHERE = "elsewhere"
    LIVE = "live"
    COURT = "court"
    OVER = "over"
    NOT_REPORTED = "not_reported"
    CALL = "call"
    TEXT = "text"
    EMAIL = "email"
    HERE = "here"
    I_WILL_CALL = "i_will_call"


SPECIALIST_HARMS = (Option.DOMESTIC, Option.SEXUAL)
"""Harm that only the specialist team takes on."""
COUPLES = (Option.PARTNER, Option.EX_PARTNER)
"""A relationship between the two, as the person harmed says it."""
COUPLES_OF_OFFICERS = (Option.NOW, Option.BEFORE)
"""A relationship between the two, as a partner officer says it."""


class StopReason(StrEnum):
    """Why a referral cannot be taken here; the words are under scenes.stopped."""

    NONE = ""
    NO_CONSENT = "no_consent"
    NOT_WANTED = "not_wanted"
    VICTIM_DID_NOT_ASK = "victim_did_not_ask"
    PUSHED = "pushed"
    OUTSIDE = "outside"
    DISPUTE = "dispute"


class Flag(StrEnum):
    """What staff should see at once; the words are under desk.flags."""

    GOING_ON = "going_on"
    PRESSURE = "pressure"
    SPECIALIST = "specialist"
    LIVE_CASE = "on_hold_live_case"
    DENIES = "denies"
    NOBODY_IDENTIFIED = "nobody_identified"
    AREA_NOT_KNOWN = "area_not_known"
    KIND_NOT_KNOWN = "kind_not_known"
    UNDER_18 = "under_18"
    INTRODUCED = "introduced"
    NOT_VERIFIED = "not_verified"
    RISKS = "risks"
    NEEDS = "needs"
    FROM_OFFENDER = "from_the_person_responsible"
    IMMEDIATE_DANGER = "danger_immediate_danger"
    SUICIDAL = "danger_suicidal"
    CHILD_AT_RISK = "danger_child_at_risk"
    DOMESTIC_ABUSE_NOW = "danger_domestic_abuse_now"


DANGER_FLAGS = frozenset(
    {Flag.IMMEDIATE_DANGER, Flag.SUICIDAL, Flag.CHILD_AT_RISK, Flag.DOMESTIC_ABUSE_NOW}
)
"""Raised by words of danger; each makes a referral urgent."""


class Queue(StrEnum):
    """Which team works a referral; service.toml says who that is. CHECK: a person decides."""

    ADULTS = "adults"
    YOUNG_PEOPLE = "young_people"
    SPECIALIST = "specialist"
    SUPPORT = "support"
    CHECK = "check"


class CounterEvent(StrEnum):
    """What a daily count is of; the key beside it says which one."""

    ASKED = "asked"
    ANSWERED = "answered"
    SENT = "sent"
    STOPPED = "stopped"
    LEFT = "left"
    TOPIC = "topic"
    FAQ = "faq"
    DANGER = "danger"


class FaqOutcome(StrEnum):
    """The keys of the counter event FAQ: topics were suggested, or none was near."""

    SUGGESTED = "suggested"
    MISSED = "missed"


class HelplineStatus(StrEnum):
    """Whether somebody has rung the number of a helpline."""

    CHECKED = "checked"
    TO_CHECK = "to_check"


class OutboxKind(StrEnum):
    """What a row of the outbox has its channel do."""

    SAY = "say"
    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"
    DELETE = "delete"
    OFFICER_COMMANDS = "officer_commands"
    LEAVE_CHAT = "leave_chat"
    ALERT = "alert"
    REFERRAL = "referral"


class StepName(StrEnum):
    """What a dated step is that moves nothing; each act is a step under its own name besides."""

    HANDED_OVER = "handed_over"
    OPENED = "opened"
    REVEAL = "reveal"
    NOTE = "note"
    FLAG_RAISED = "flag_raised"
    CONTACT_CHANGED = "contact_changed"
    WROTE = "wrote"
    REPLIED = "replied"
    NOT_SENT = "not_sent"


READ_ONLY_STEPS = (StepName.OPENED, StepName.REVEAL, StepName.NOTE)
"""Steps that change nothing of a referral."""
FROM_STAFF_STEPS = (StepName.REPLIED, StepName.NOT_SENT)
"""What staff wrote to the person, and what of that could not be sent."""


class Source(StrEnum):
    """Where a referral came in: a channel, or staff who typed what came by phone or on paper."""

    NOT_KNOWN = ""
    TELEGRAM = "telegram"
    WEB = "web"
    PAGE = "page"
    TERMINAL = "terminal"
    PHONE = "phone"
    PAPER = "paper"
