"""Which blanks the code fills in a text besides the service's own facts, for the proofreader."""

from collections.abc import Mapping

from flows.questions import answer_types

EXAMPLE_BLANKS: tuple[tuple[str, Mapping[str, str]], ...] = (
    (r"errors\.(phone|contact)\..*", {"example": answer_types.PHONE_EXAMPLE}),
    (r"errors\..*[._]too_long", {"n": "4321", "max": "4096"}),
    (r"errors\.choice\.meant", {"option": "Burglary or theft"}),
    (r"errors\.choice\.contradicts", {"title": "Do you know them?", "answer": "No"}),
    (r"errors\.choice\.off_path", {"when": "Not for a dispute."}),
    (r"form\.only_if", {"title": "Do you know them?", "answers": "Yes"}),
    (r"form\.paste\..*", {"titles": "Victim gender, Willing", "n": "2"}),
    (r"scenes\.welcome\.introduced", {"officer": "PC Sam Reed, Kent Police"}),
    (r"errors\..*\.empty", {"max": "500"}),
    (r"commands\.person\.closed_now", {"opens_next": "9am on Monday 23 November"}),
    (r"scenes\.asking\.changes_others", {"titles": "Your age, What it was about"}),
    (r"scenes\.asking\.old_button", {"title": "What it was about"}),
    (r"scenes\.stopped\.[a-z_]*", {"mediation": "Maidstone Mediation covers your area."}),
    (
        r"(scenes\.sent\.(thanks|now|withdrawn)|desk\.alerts\.).*",
        {"reference": "ACDE-3467", "due": "5pm on Tuesday 24 November"},
    ),
    (r"scenes\.card\.took.*", {"n": "2"}),
    (
        r"replies\..*",
        {
            "time": "on Tuesday 24 November, early in the evening",
            "first_name": "Mira",
            **{"part": "in the morning", "day": "Tuesday 24 November"},
        },
    ),
    (r"scenes\.dates\.by", {"time": "5pm", "day": "Monday 3 March"}),
    (r"scenes\.dates\.working_days\..*", {"n": "2"}),
    (
        r"scenes\.dates\.same_day_range",
        {"first": "Monday", "last": "Friday", "opens": "9am", "closes": "5pm"},
    ),
    (
        r"desk\.changes\..*",
        {"reference": "ACDE-3467", "max": "300", "who": "Jo", "time": "5pm on Monday 2 March"},
    ),
    (r"desk\.duplicates\.with", {"owner": "Jo"}),
    (r"desk\.content\..*", {"name": "A talk", "n": "12", "page": "1", "pages": "2"}),
    (
        r"desk\.numbers\..*",
        {
            **{"caption": "Referrals by week", "week": "2026-W40", "day": "28 September"},
            **{"first": "2026-W40", "last": "2026-W47", "n": "5", "who": "An officer"},
            **{"door": "Telegram", "version": "0123456789ab"},
        },
    ),
    (
        r"desk\.reply\..*",
        {"reference": "ACDE-3467", "until": "5pm", "when": "9am on Monday 2 March", "who": "mira"},
    ),
    (
        r"desk\.(list|flash|page|look|sure|too_late|facts|search|live)\..*",
        {
            **{"n": "2", "page": "1", "pages": "3", "about": "ACDE-3467", "who": "Jo", "by": "Jo"},
            **{"reference": "ACDE-3467", "owner": "Jo", "names": "Jo", "at": "5pm", "due": "5pm"},
            **{"until": "5pm", "weekday": "Monday", "day": "2", "month": "March"},
        },
    ),
    (r"desk\.refused\..*", {"owner": "Jo"}),
    (
        r"desk\.(signing_in|invitation|accounts?|officers|logbook)\..*",
        {
            **{"name": "jo", "role": "Mediator", "references": "ACDE-3467", "n": "2"},
            **{"who": "ada", "hours": "24"},
            **dict.fromkeys(("until", "when"), "5pm on Tuesday 24 November"),
        },
    ),
    (
        r"desk\.(exports|sheet|printout|api_keys)\..*",
        {
            **{"n": "20", "who": "Mira", "when": "5pm on Tuesday 24 November", "id": "a1b2c3"},
            **{"why": "For a team meeting.", "day": "2026-11-22", "reference": "ACDE-3467"},
            **{"due": "5pm on Tuesday 24 November", "sent": "9am on Monday 23 November"},
            "name": "Case system",
        },
    ),
    (
        r"desk\.queue\..*",
        {"reference": "ACDE-3467", "until": "5pm", "owner": "Jo", "act": "Spoke", "stage": "New"},
    ),
)
"""Which blanks the code fills besides the service's own facts, with something to fill them."""
