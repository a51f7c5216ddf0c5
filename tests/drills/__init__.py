"""Drills: what a person or a member of staff sees while something breaks, and what is kept."""
