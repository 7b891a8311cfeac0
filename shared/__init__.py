"""What two or more services need, and the schema.

Owns: tables, settings, clock, encryption, the plumbing of the database, and `shared.domain`, the pure rules.
Writes: nothing of its own accord; every function acts for the service that calls it.
Never: imports a service.
"""
