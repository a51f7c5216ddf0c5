"""The answers of a conversation: a row each, in the order in which they were given."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, insert, select

from flows.conversation import Answer
from storage.serialization import DecodeError, dumps, loads
from storage.tables import ANSWER, AnyRow, new_id
from storage.unit import Unit

_OF_CONVERSATION = (
    select(ANSWER.c.id, ANSWER.c.n, ANSWER.c.body)
    .where(ANSWER.c.conversation_id == bindparam("conversation"))
    .order_by(ANSWER.c.n)
)
_INSERT = insert(ANSWER)


def load_answers(unit: Unit, conversation_id: str) -> tuple[dict[str, Answer], int]:
    """Return the answers by their row ids, in order, and the number that comes next.

    One that cannot be decoded is left out, and so is asked again. Raises VaultError for one that
    cannot be decrypted.
    """
    rows = unit.conn.execute(_OF_CONVERSATION, {"conversation": conversation_id}).all()
    answers = {row.id: answer for row in rows if (answer := _unseal(unit, conversation_id, row))}
    return answers, rows[-1].n + 1 if rows else 0


def add_answers(
    unit: Unit, conversation_id: str, answers: Iterable[Answer], next_n: int
) -> tuple[str, ...]:
    """Store answers from number `next_n` on; return the ids of their rows."""
    ids = []
    for n, answer in enumerate(answers, next_n):
        id = new_id()
        body = unit.seal(_context(conversation_id, n, id), dumps(answer))
        unit.add(_INSERT, {"id": id, "conversation_id": conversation_id, "n": n, "body": body})
        ids.append(id)
    return tuple(ids)


def delete_answers(unit: Unit, ids: Iterable[str]) -> None:
    """Delete the answers in these rows."""
    unit.conn.execute(delete(ANSWER).where(ANSWER.c.id.in_(ids)))


def _unseal(unit: Unit, conversation_id: str, row: AnyRow) -> Answer | None:
    text = unit.unseal(_context(conversation_id, row.n, row.id), row.body)
    try:
        return loads(Answer, text)
    except DecodeError:
        return None


def _context(conversation_id: str, n: int, id: str) -> str:
    return f"conversation/{conversation_id}/answer/{n}/{id}"
