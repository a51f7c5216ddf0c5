"""The proofreader: reads all that is said, and every table, as a careful colleague would."""

from bot.proofreading.report import Report, proofread, read_through

__all__ = ["Report", "proofread", "read_through"]
