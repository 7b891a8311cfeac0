"""Callbacks of providers: receipts, replies, bounces. The token in the path is the credential.

Owns: receiving them. Writes: `callbacks`, sealed as they came. Never: reads what they mean; the notifier applies them.
"""
