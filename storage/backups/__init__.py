"""Encrypted backups, and what must stay gone when an older one is put back."""
