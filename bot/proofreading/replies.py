"""Reads the approved wordings of staff: three variants each, and none says more than it may."""

from collections.abc import Iterator
from string import Formatter

from flows.outbound import reply_templates
from flows.outbound.discretion import is_revealing
from flows.outbound.guard import Variant
from flows.wording import has, say_raw

_ALLOWED_BLANKS = {
    Variant.SAY_SERVICE: {"service", "time", "first_name"},
    Variant.NO_SERVICE: {"time"},
    Variant.FIRST_NAME: {"time", "first_name"},
}
"""The blanks of each variant; a variant that does not name the service has none that would."""


def reply_problems(language: str) -> Iterator[str]:
    """Give a plain line for each approved wording that is missing or says more than it may."""
    for one in reply_templates.reply_templates():
        for variant in Variant:
            key = f"replies.{one.id}.{variant}"
            if not has(language, key):
                yield f"{language}: {key} is not said."
                continue
            problems = _variant_problems(variant, language, key)
            yield from (f"{language}: {key} {line}" for line in problems)


def _variant_problems(variant: Variant, language: str, key: str) -> Iterator[str]:
    text = say_raw(language, key)
    blanks = {name for _, name, _, _ in Formatter().parse(text) if name}
    for extra in sorted(blanks - _ALLOWED_BLANKS[variant]):
        yield f"has the blank {extra}, which {variant} may not hold."
    if variant != Variant.SAY_SERVICE and is_revealing(text):
        yield f"tells too much for {variant}."
    if variant == Variant.SAY_SERVICE and "service" not in blanks:
        yield "does not say who writes."
    if variant == Variant.FIRST_NAME and "first_name" not in blanks:
        yield "does not give the first name."
