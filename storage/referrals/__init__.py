"""Referrals: hand-over, queue, staff acts, history, duplicates."""
