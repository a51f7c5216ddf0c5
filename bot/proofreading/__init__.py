"""The proofreader: reads all that is said, and every table, as a careful colleague would."""

from bot.proofreading.report import ProofreadingReport, find_problems, proofread

__all__ = ["ProofreadingReport", "find_problems", "proofread"]
