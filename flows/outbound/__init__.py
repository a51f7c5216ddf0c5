"""Outbound messages: the guard in front of each, and the approved wordings of staff."""
