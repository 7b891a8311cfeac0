"""The wordings of messages: shipped ones and a store's own.

Owns: `message_templates`. Writes: those, audit entries. Never: sends.
"""
