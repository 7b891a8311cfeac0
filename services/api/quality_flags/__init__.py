"""Flags for a manager's second look (domain.md §10.16).

Owns: reading flags and the decision on one, with the second call. Writes: `quality_flags.state` and what goes with it, the audit log.
Never: makes a flag (`shared.honest` does), shows one to the person it is about, changes a result.
"""
