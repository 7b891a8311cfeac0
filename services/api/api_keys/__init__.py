"""API keys of integrations, one store each.

Owns: `api_keys`. Writes: those, the audit log. Never: keeps a secret; it is shown once.
"""
