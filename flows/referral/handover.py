"""Makes the record of a finished referral: what was asked and answered, in order, and its route."""

from datetime import datetime

from flows import content_files, wording
from flows.calendar import workdays
from flows.conversation import Answer, Conversation, Given, Officer
from flows.questions import journey
from flows.questions.journey import Counting
from flows.questions.questionnaire import Question, question, questions
from flows.record import Line, Record
from flows.referral import rules
from flows.referral.routing import Route, route
from flows.service import service


def record_of(conversation: Conversation, now: datetime) -> Record:
    """Return the record of this conversation as it would be sent at `now` (aware, UTC)."""
    found = gathered(conversation)
    goes_to = route(rules.facts_of(conversation), _flags(conversation, found))
    consent, consented_at = _consent(conversation, found, now)
    told = conversation.introduced_by
    officer = told.officer if told else officer_of(conversation)
    return Record(
        reference=conversation.reference,
        journey=conversation.journey,
        lines=(
            *(_line(one, found, conversation) for one in _asked(conversation, found)),
            *_introduction(conversation),
        ),
        safe_contact=tuple(
            _line(one, found, conversation)
            for one in questions()
            if one.safe and _belongs(one, conversation)
        ),
        consent=consent,
        consented_at=consented_at,
        sent_at=now,
        due=_due(conversation, goes_to, now),
        zone=service().zone,
        queue=goes_to.queue,
        provider=service().provider(goes_to.queue),
        hold=goes_to.hold,
        urgent=goes_to.urgent,
        may_contact=may_contact(conversation),
        flags=goes_to.flags,
        reasons=goes_to.reasons,
        wording=content_files.version(conversation.language),
        language=conversation.language,
        officer_name=officer.name if officer else "",
        officer_agency=officer.agency if officer else "",
        officer_contact=officer.contact if officer else "",
        officer_verified=bool(officer and officer.verified),
        door=conversation.door,
        typed_by=conversation.typed_by,
    )


def gathered(conversation: Conversation) -> Counting:
    """Return the answers that would be sent; a call-back keeps what was told before it."""
    return rules.told(conversation)


def may_contact(conversation: Conversation) -> bool:
    """Return whether the service may be the first to make contact, and has a way to.

    For an officer's referral it is the officer who is rung.
    """
    if conversation.journey == "officer":
        return True
    found = gathered(conversation)
    if conversation.journey == "callback":
        return _is_said(found, "number")
    way = found["way"].value if _is_said(found, "way") else ""
    needs = {"call": "number", "text": "number", "email": "email", "here": "way"}
    return way in needs and _is_said(found, needs[way])


def officer_of(conversation: Conversation) -> Officer | None:
    """Return the officer who refers: remembered, or as they just told us."""
    if conversation.journey != "officer" or conversation.officer:
        return conversation.officer if conversation.journey == "officer" else None
    found = gathered(conversation)
    name, agency, contact = (
        found[key].value if key in found else ""
        for key in ("officer_name", "officer_agency", "officer_contact")
    )
    return Officer(name, agency, contact)


def _introduction(conversation: Conversation) -> tuple[Line, ...]:
    """Return the line that an officer added when they told us of somebody: their reference."""
    told = conversation.introduced_by
    if told is None or not told.line:
        return ()
    one, language = question("line"), conversation.language
    version = content_files.version(language)
    asked = one.asked(language)
    return (
        Line("line", asked, "said", told.line, told.line, "officer", told.at, version, language),
    )


def _asked(conversation: Conversation, found: Counting) -> list[Question]:
    on_path = {one.key for one in journey.path(conversation)} | set(found)
    return [
        one
        for one in questions()
        if one.key in on_path and not one.silent and (not one.offered or one.key in found)
    ]


def _belongs(one: Question, conversation: Conversation) -> bool:
    """A call-back alone never asked for a way: it is a call."""
    asked_as = conversation.came_from or conversation.journey
    return asked_as in one.journeys


def _line(one: Question, found: Counting, conversation: Conversation) -> Line:
    answer: Answer | None = found.get(one.key)
    language = conversation.language
    if answer is None:
        version = content_files.version(language)
        return Line(one.key, one.asked(language), "not_asked", "", "", "", None, version, language)
    return Line(
        question=one.key,
        asked=answer.asked,
        given=answer.given.value,
        value=answer.value,
        label=answer.label,
        by=answer.by,
        at=answer.at,
        wording=answer.wording,
        language=answer.language,
    )


def _flags(conversation: Conversation, found: Counting) -> tuple[str, ...]:
    flags = [*conversation.flags, *(["introduced"] if conversation.introduced_by else [])]
    officer = officer_of(conversation)
    if officer and not officer.verified:
        flags.append("not_verified")
    if found.get("risks") and found["risks"].value == "yes":
        flags.append("risks")
    if any(key in found and _wants(found[key]) for key in ("needs", "victim_needs")):
        flags.append("needs")
    return tuple(flags)


def _wants(answer: Answer) -> bool:
    return answer.given == Given.SAID and answer.value != "none"


def _consent(conversation: Conversation, found: Counting, now: datetime) -> tuple[str, datetime]:
    agreed = found.get("agreed")
    if conversation.typed_by and not agreed and conversation.consented_at:
        return conversation.consent, conversation.consented_at
    if agreed:
        return f"{agreed.asked}\n{agreed.label}", agreed.at
    sending = wording.say(conversation.language, ready_key(conversation))
    return "\n\n".join(filter(None, (conversation.consent, sending))), now


def ready_key(conversation: Conversation) -> str:
    """Return the key of what is agreed to by pressing Send."""
    if not may_contact(conversation):
        return "scenes.checking.ready_no_contact"
    if conversation.journey != "callback":
        return "scenes.checking.ready"
    return f"scenes.checking.ready_callback{'_with_more' if conversation.came_from else ''}"


def _due(conversation: Conversation, goes_to: Route, now: datetime) -> datetime:
    days = service().promise_days
    promised = days[conversation.journey]
    return workdays.due(
        now, min(promised, days["urgent"]) if goes_to.urgent else promised, service()
    )


def _is_said(found: Counting, key: str) -> bool:
    return key in found and found[key].given == Given.SAID
