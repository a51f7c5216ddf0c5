"""The contestant: the same questions by python-telegram-bot and sqlite3, as one writes it by hand.

One handler for words and one for buttons; where a person is and what they said is a row, one commit
a turn; a press is answered and then replied to. No encryption, guard, outbox or danger words.
"""

import json
import os
import sqlite3

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from tests.support.happy_path import happy_path

STEPS = happy_path()
DONE = "Sent."


def main() -> None:
    """Poll until the process is told to stop."""
    database = sqlite3.connect(os.environ["PEER_DATABASE"])
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS talk (chat INTEGER PRIMARY KEY, step, answers)")

    async def turn(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        chat, query = update.effective_chat, update.callback_query
        if chat is None:
            return
        if query is not None:
            await query.answer()
        message = update.effective_message
        said = query.data if query else message and message.text
        asked = "SELECT step, answers FROM talk WHERE chat = ?"
        row = database.execute(asked, (chat.id,)).fetchone()
        step, answers = (row[0] + 1, json.loads(row[1])) if row else (0, [])
        with database:
            told = (chat.id, step, json.dumps([*answers, said]))
            database.execute("INSERT OR REPLACE INTO talk VALUES (?, ?, ?)", told)
        if step == len(STEPS):
            await context.bot.send_message(chat.id, DONE)
            return
        label = STEPS[step].press
        rows = [[InlineKeyboardButton(label, callback_data=f"{step}")]] if label else []
        markup = InlineKeyboardMarkup(rows) if rows else None
        await context.bot.send_message(chat.id, STEPS[step].shown, reply_markup=markup)

    root = os.environ["TELEGRAM_API_URL"]
    token = os.environ["TELEGRAM_BOT_TOKEN"]
    app = Application.builder().token(token).base_url(f"{root}/bot").build()
    app.add_handler(CallbackQueryHandler(turn))
    app.add_handler(MessageHandler(filters.TEXT, turn))
    app.run_polling(allowed_updates=["message", "callback_query"])


if __name__ == "__main__":
    main()
