"""The proofreader: checks the wording and the tables in flows/content."""

from bot.proofreading.report import ProofreadingReport, find_problems, proofread

__all__ = ["ProofreadingReport", "find_problems", "proofread"]
