"""Makes the record of a finished referral: what was asked and answered, in order, and its route."""

from datetime import datetime

from flows import content_files, wording
from flows.calendar import workdays
from flows.conversation import Answer, AnswerStatus, Conversation, Officer
from flows.questions import journey
from flows.questions.journey import CurrentAnswers
from flows.questions.questionnaire import Question, all_questions, get_question
from flows.record import Record, RecordLine
from flows.referral import rules
from flows.referral.routing import Route, route_referral
from flows.service import service


def build_record(conversation: Conversation, now: datetime) -> Record:
    """Return the record of this conversation as it would be sent at `now` (aware, UTC)."""
    found = answers_to_send(conversation)
    goes_to = route_referral(rules.facts_of(conversation), _collect_flags(conversation, found))
    consent, consented_at = _consent_given(conversation, found, now)
    told = conversation.introduction
    officer = told.officer if told else referring_officer(conversation)
    return Record(
        reference=conversation.reference,
        journey=conversation.journey,
        lines=(
            *(
                _record_line(one, found, conversation)
                for one in _recorded_questions(conversation, found)
            ),
            *_introduction_lines(conversation),
        ),
        safe_contact=tuple(
            _record_line(one, found, conversation)
            for one in all_questions()
            if one.safe_contact and _belongs_to_journey(one, conversation)
        ),
        consent=consent,
        consented_at=consented_at,
        sent_at=now,
        due=_due_at(conversation, goes_to, now),
        zone=service().zone,
        queue=goes_to.queue,
        provider=service().provider(goes_to.queue),
        hold=goes_to.hold,
        urgent=goes_to.urgent,
        may_contact=may_contact(conversation),
        flags=goes_to.flags,
        reasons=goes_to.reasons,
        wording_version=content_files.wording_version(conversation.language),
        language=conversation.language,
        officer_name=officer.name if officer else "",
        officer_agency=officer.agency if officer else "",
        officer_contact=officer.contact if officer else "",
        officer_verified=bool(officer and officer.verified),
        source=conversation.source,
        typed_by=conversation.typed_by,
    )


def answers_to_send(conversation: Conversation) -> CurrentAnswers:
    """Return the answers that would be sent; a call-back keeps what was told before it."""
    return rules.answers_with_origin(conversation)


def may_contact(conversation: Conversation) -> bool:
    """Return whether the service may be the first to make contact, and has a way to.

    For an officer's referral it is the officer who is rung.
    """
    if conversation.journey == "officer":
        return True
    found = answers_to_send(conversation)
    if conversation.journey == "callback":
        return _is_answered(found, "number")
    way = found["way"].value if _is_answered(found, "way") else ""
    needs = {"call": "number", "text": "number", "email": "email", "here": "way"}
    return way in needs and _is_answered(found, needs[way])


def referring_officer(conversation: Conversation) -> Officer | None:
    """Return the officer who refers: remembered, or as they just told us."""
    if conversation.journey != "officer" or conversation.officer:
        return conversation.officer if conversation.journey == "officer" else None
    found = answers_to_send(conversation)
    name, agency, contact = (
        found[key].value if key in found else ""
        for key in ("officer_name", "officer_agency", "officer_contact")
    )
    return Officer(name, agency, contact)


def _introduction_lines(conversation: Conversation) -> tuple[RecordLine, ...]:
    """Return the line that an officer added when they told us of somebody: their reference."""
    told = conversation.introduction
    if told is None or not told.case_reference:
        return ()
    one, language = get_question("line"), conversation.language
    version = content_files.wording_version(language)
    asked = one.prompt(language)
    return (
        RecordLine(
            "line",
            asked,
            "said",
            told.case_reference,
            told.case_reference,
            "officer",
            told.introduced_at,
            version,
            language,
        ),
    )


def _recorded_questions(conversation: Conversation, answers: CurrentAnswers) -> list[Question]:
    on_path = {one.key for one in journey.applicable_questions(conversation)} | set(answers)
    return [
        one
        for one in all_questions()
        if one.key in on_path and not one.internal and (not one.optional or one.key in answers)
    ]


def _belongs_to_journey(question: Question, conversation: Conversation) -> bool:
    """A call-back alone never asked for a way: it is a call."""
    asked_as = conversation.previous_journey or conversation.journey
    return asked_as in question.journeys


def _record_line(
    question: Question, answers: CurrentAnswers, conversation: Conversation
) -> RecordLine:
    answer: Answer | None = answers.get(question.key)
    language = conversation.language
    if answer is None:
        version = content_files.wording_version(language)
        return RecordLine(
            question.key,
            question.prompt(language),
            "not_asked",
            "",
            "",
            "",
            None,
            version,
            language,
        )
    return RecordLine(
        question=question.key,
        prompt=answer.prompt,
        status=answer.status.value,
        value=answer.value,
        label=answer.label,
        answered_by=answer.answered_by,
        answered_at=answer.answered_at,
        wording_version=answer.wording_version,
        language=answer.language,
    )


def _collect_flags(conversation: Conversation, answers: CurrentAnswers) -> tuple[str, ...]:
    flags = [*conversation.flags, *(["introduced"] if conversation.introduction else [])]
    officer = referring_officer(conversation)
    if officer and not officer.verified:
        flags.append("not_verified")
    if answers.get("risks") and answers["risks"].value == "yes":
        flags.append("risks")
    if any(key in answers and _states_a_need(answers[key]) for key in ("needs", "victim_needs")):
        flags.append("needs")
    return tuple(flags)


def _states_a_need(answer: Answer) -> bool:
    return answer.status == AnswerStatus.ANSWERED and answer.value != "none"


def _consent_given(
    conversation: Conversation, answers: CurrentAnswers, now: datetime
) -> tuple[str, datetime]:
    agreed = answers.get("agreed")
    if conversation.typed_by and not agreed and conversation.consented_at:
        return conversation.consent, conversation.consented_at
    if agreed:
        return f"{agreed.prompt}\n{agreed.label}", agreed.answered_at
    sending = wording.say(conversation.language, send_consent_key(conversation))
    return "\n\n".join(filter(None, (conversation.consent, sending))), now


def send_consent_key(conversation: Conversation) -> str:
    """Return the key of what is agreed to by pressing Send."""
    if not may_contact(conversation):
        return "scenes.checking.ready_no_contact"
    if conversation.journey != "callback":
        return "scenes.checking.ready"
    return f"scenes.checking.ready_callback{'_with_more' if conversation.previous_journey else ''}"


def _due_at(conversation: Conversation, goes_to: Route, now: datetime) -> datetime:
    days = service().promise_days
    promised = days[conversation.journey]
    return workdays.due_at(
        now, min(promised, days["urgent"]) if goes_to.urgent else promised, service()
    )


def _is_answered(answers: CurrentAnswers, key: str) -> bool:
    return key in answers and answers[key].status == AnswerStatus.ANSWERED
