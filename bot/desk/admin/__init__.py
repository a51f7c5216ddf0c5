"""Administration: accounts, API keys, webhook, logbook."""
