"""What a revoked officer sees on their page: that it has ended, and what they had just typed."""

from starlette.responses import Response

from bot.channels.web.guard import ChatRequest
from bot.channels.web.private_page import danger_kinds
from bot.web.fields import FormField, build_fields, posted_answers
from flows.conversation import Conversation


def officer_revoked_page(
    request: ChatRequest, conversation: Conversation, form: Conversation
) -> Response:
    """Return the page (403). What was posted is shown once more, to be read out, and not kept."""
    posted = request.form if request.has_valid_csrf else {}
    typed = [
        (field.question.title.rstrip("*"), _words(field)) for field in build_fields(form, posted)
    ]
    return request.render(
        "form/revoked.html",
        403,
        conversation.language,
        typed=[(title, words) for title, words in typed if words],
        draft=bool(conversation.answers),
        dangers=danger_kinds(posted_answers(form, posted)),
    )


def _words(field: FormField) -> str:
    return dict(field.choices).get(field.value, "" if field.choices else field.value.strip())
