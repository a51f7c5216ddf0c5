"""What an officer sees in place of the form: that it has ended, or that the answer follows."""

from starlette.responses import Response

from bot.channels.web.guard import ChatRequest
from bot.channels.web.private_page import danger_kinds
from bot.web.fields import FormField, build_fields, posted_answers
from flows.conversation import Conversation

REFRESH_SECONDS = 5
"""Seconds until a page whose answer follows is asked for again, by itself."""


def revoked_page(request: ChatRequest, conversation: Conversation, form: Conversation) -> Response:
    """Return the page (403). What was posted is shown once more, to be read out, and not kept."""
    draft = bool(conversation.answers)
    return _notice(request, form, "form/revoked.html", 403, draft=draft)


def waiting_page(request: ChatRequest, form: Conversation) -> Response:
    """Return the page that says that the answer follows; it looks for it by itself.

    After a post (409) what was typed is on it to be copied, for it is not kept.
    """
    posted = request.http.method == "POST"
    response = _notice(request, form, "form/waits.html", 409 if posted else 200)
    if not posted:
        response.headers["Refresh"] = f"{REFRESH_SECONDS}; url=/officer"
    return response


def _notice(
    request: ChatRequest, form: Conversation, name: str, status: int, draft: bool = False
) -> Response:
    """Return a page with what was typed into the form, if a page of ours sent it."""
    posted = request.form if request.has_valid_csrf else {}
    shown = [(one.question.title.rstrip("*"), _words(one)) for one in build_fields(form, posted)]
    return request.render(
        name,
        status,
        form.language,
        typed=[(title, words) for title, words in shown if words],
        draft=draft,
        dangers=danger_kinds(posted_answers(form, posted)),
    )


def _words(field: FormField) -> str:
    return dict(field.choices).get(field.value, "" if field.choices else field.value.strip())
