"""HTTP: everything that people and other systems ask of the house, one folder a feature.

Owns: the contract (`docs/openapi.json`), who may call what (`permissions`), idempotency, versions, errors, the audit log. Writes:
what its features say, each in its charter; commits before the answer leaves.
Never: talks to Redis or to a provider, decides a rule of the business (`shared.domain` does), imports another service.
"""
