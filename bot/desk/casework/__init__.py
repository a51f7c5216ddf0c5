"""Casework: the queue, one referral, and the acts of staff."""
