"""Makes the record of a finished referral: what was asked and answered, in order, and its route."""

from datetime import datetime

from flows import content_files, wording
from flows.calendar import workdays
from flows.conversation import Answer, Conversation
from flows.officers import Officer
from flows.questions import journey, questionnaire
from flows.questions.journey import CurrentAnswers
from flows.record import Record, RecordLine
from flows.referral import rules
from flows.referral.contact import REQUIRED_ANSWER_BY_WAY
from flows.referral.routing import Route, route_referral
from flows.service import service
from flows.vocabulary import NOT_ASKED, AnsweredBy, AnswerStatus, Flag, Journey, Option


def build_record(conversation: Conversation, now: datetime) -> Record:
    """Return the record of this conversation as it would be sent at `now` (aware, UTC)."""
    answers = answers_to_send(conversation)
    route = route_referral(rules.facts_of(conversation), _collect_flags(conversation, answers))
    consent, consented_at = _consent_given(conversation, answers, now)
    introduction = conversation.introduction
    # Who told us of somebody is named like the officer of a referral, but the journey stays self.
    officer = introduction.officer if introduction else referring_officer(conversation)
    officer = officer or _NO_OFFICER
    # One flat constructor, each field by name: the record is stored as it stands here, and a
    # field that is forgotten is an error of the type checker.
    return Record(
        reference=conversation.reference,
        journey=conversation.journey,
        lines=_record_lines(conversation, answers),
        safe_contact=_safe_contact_lines(conversation, answers),
        consent=consent,
        consented_at=consented_at,
        sent_at=now,
        due=_due_at(conversation, route, now),
        zone=service().zone,
        queue=route.queue,
        provider=service().provider(route.queue),
        hold=route.hold,
        urgent=route.urgent,
        may_contact=may_contact(conversation),
        flags=route.flags,
        reasons=route.reasons,
        wording_version=content_files.wording_version(conversation.language),
        language=conversation.language,
        officer_name=officer.name,
        officer_agency=officer.agency,
        officer_contact=officer.contact,
        officer_verified=officer.verified,
        source=conversation.source,
        typed_by=conversation.typed_by,
    )


_NO_OFFICER = Officer("", "", "")


def _record_lines(conversation: Conversation, answers: CurrentAnswers) -> tuple[RecordLine, ...]:
    asked = _recorded_questions(conversation, answers)
    lines = (_record_line(one, answers, conversation) for one in asked)
    return (*lines, *_introduction_lines(conversation))


def _safe_contact_lines(
    conversation: Conversation, answers: CurrentAnswers
) -> tuple[RecordLine, ...]:
    return tuple(
        _record_line(question, answers, conversation)
        for question in questionnaire.all_questions()
        if question.safe_contact and _belongs_to_journey(question, conversation)
    )


def answers_to_send(conversation: Conversation) -> CurrentAnswers:
    """Return the answers that would be sent; a call-back keeps what was told before it."""
    return rules.answers_with_origin(conversation)


def may_contact(conversation: Conversation) -> bool:
    """Return whether the service may be the first to make contact, and has a way to.

    For an officer's referral it is the officer who is rung.
    """
    if conversation.journey == Journey.OFFICER:
        return True
    found = answers_to_send(conversation)
    if conversation.journey == Journey.CALLBACK:
        return _is_answered(found, "number")
    way = found["way"].value if _is_answered(found, "way") else ""
    return _is_answered(found, REQUIRED_ANSWER_BY_WAY.get(way, ""))


def has_victim_details(record: Record) -> bool:
    """Return whether an officer gave both the victim's name and a way to reach the victim."""
    given = {one.question for one in record.lines if one.status == AnswerStatus.ANSWERED}
    return given >= {"victim_name", "victim_contact"}


def referring_officer(conversation: Conversation) -> Officer | None:
    """Return the officer who refers: remembered, or as they just told us."""
    if conversation.journey != Journey.OFFICER:
        return None
    if conversation.officer:
        return conversation.officer
    found = answers_to_send(conversation)
    keys = ("officer_name", "officer_agency", "officer_contact")
    name, agency, contact = (found[key].value if key in found else "" for key in keys)
    return Officer(name, agency, contact)


def _introduction_lines(conversation: Conversation) -> tuple[RecordLine, ...]:
    """Return the line that an officer added when they told us of somebody: their reference."""
    introduction, language = conversation.introduction, conversation.language
    if introduction is None or not introduction.case_reference:
        return ()
    question = questionnaire.get_question(questionnaire.CASE_REFERENCE_QUESTION)
    return (
        RecordLine(
            question=question.key,
            prompt=question.prompt(language),
            status=AnswerStatus.ANSWERED,
            value=introduction.case_reference,
            label=introduction.case_reference,
            answered_by=AnsweredBy.OFFICER,
            answered_at=introduction.introduced_at,
            wording_version=content_files.wording_version(language),
            language=language,
        ),
    )


def _recorded_questions(
    conversation: Conversation, answers: CurrentAnswers
) -> list[questionnaire.Question]:
    on_path = {one.key for one in journey.applicable_questions(conversation)} | set(answers)
    return [
        one
        for one in questionnaire.all_questions()
        if one.key in on_path and not one.internal and (not one.optional or one.key in answers)
    ]


def _belongs_to_journey(question: questionnaire.Question, conversation: Conversation) -> bool:
    """A call-back alone never asked for a way: it is a call."""
    asked_as = conversation.previous_journey or conversation.journey
    return asked_as in question.journeys


def _record_line(
    question: questionnaire.Question, answers: CurrentAnswers, conversation: Conversation
) -> RecordLine:
    answer: Answer | None = answers.get(question.key)
    language = conversation.language
    if answer is None:
        return RecordLine(
            question=question.key,
            prompt=question.prompt(language),
            status=NOT_ASKED,
            value="",
            label="",
            answered_by="",
            answered_at=None,
            wording_version=content_files.wording_version(language),
            language=language,
        )
    return RecordLine(
        question=question.key,
        prompt=answer.prompt,
        status=answer.status,
        value=answer.value,
        label=answer.label,
        answered_by=answer.answered_by,
        answered_at=answer.answered_at,
        wording_version=answer.wording_version,
        language=answer.language,
    )


def _collect_flags(conversation: Conversation, answers: CurrentAnswers) -> tuple[Flag, ...]:
    """Return the flags that the routing rules cannot see: how it came in, and what is needed."""
    flags = list(conversation.flags)
    if conversation.introduction:
        flags.append(Flag.INTRODUCED)
    officer = referring_officer(conversation)
    if officer and not officer.verified:
        flags.append(Flag.NOT_VERIFIED)
    if journey.is_yes(answers, "risks"):
        flags.append(Flag.RISKS)
    if any(key in answers and _states_a_need(answers[key]) for key in ("needs", "victim_needs")):
        flags.append(Flag.NEEDS)
    return tuple(flags)


def _states_a_need(answer: Answer) -> bool:
    return answer.status == AnswerStatus.ANSWERED and answer.value != Option.NONE


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
    if conversation.journey != Journey.CALLBACK:
        return "scenes.checking.ready"
    return f"scenes.checking.ready_callback{'_with_more' if conversation.previous_journey else ''}"


def _due_at(conversation: Conversation, route: Route, now: datetime) -> datetime:
    days = service().promise_days
    promised = days[conversation.journey]
    within = min(promised, days["urgent"]) if route.urgent else promised
    return workdays.due_at(now, within, service())


def _is_answered(answers: CurrentAnswers, key: str) -> bool:
    return key in answers and answers[key].status == AnswerStatus.ANSWERED
