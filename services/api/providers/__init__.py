"""Providers of SMS and e-mail as a store sees them: names and where they call back.

Owns: `hook_tokens`. Writes: those. Never: shows or holds a provider's credentials; only the notifier has them.
"""
