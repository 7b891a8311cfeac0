"""The whole contract under random requests: schemathesis against an API that runs, in a store with rows of every kind.

Owns: what the store holds (`seed`), what schemathesis is told (`settings`), how a run goes (`run`), who calls (`hooks`).
Writes: a database of its own, thrown away afterwards. Never: a check switched off without its reason in `settings.EXCEPTIONS`.
"""
