"""Accounts: staff, their sign-ins and passkeys, partner officers, API keys, logbook."""
