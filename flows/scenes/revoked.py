"""What a revoked officer is shown in place of the form and the welcome, with what remains open."""

from flows.conversation import Conversation, Reply
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, delete_button, in_rows
from flows.wording import say


def revoked_notice(conversation: Conversation) -> Reply:
    """Return the news that the invitation has ended, and what becomes of a draft if there is one.

    Without a draft the way to a request of their own stands first: they may need help as well.
    """
    language, draft = conversation.language, moves.has_draft(conversation)
    keys = ("scenes.revoked.text", *(("scenes.revoked.draft",) if draft else ()))
    go = ButtonVerb.WELCOME_CHOICE
    own = button_for(conversation, "scenes.welcome.buttons.self", go, "self")
    rows = [
        delete_button(conversation) if draft else own,
        button_for(conversation, "scenes.welcome.buttons.person", ButtonVerb.PERSON),
        button_for(conversation, "scenes.welcome.buttons.questions", ButtonVerb.QUESTIONS),
    ]
    return Reply("\n\n".join(say(language, key) for key in keys), in_rows(rows))
