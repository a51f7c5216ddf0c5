"""What is in deploy/, walked as far as a machine for tests allows."""
