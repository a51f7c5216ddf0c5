"""Signing in to the desk: passwords, TOTP, passkeys, OpenID Connect, invitations."""
