"""Signing in: passwords, access tokens, rotating refresh tokens.

Owns: `accounts`, `refresh_tokens`, `sign_in_failures`. Writes: those. Never: keeps a password or a token in clear.
"""
