"""Bringing a deployment up: the schema, the service roles, the shipped programmes, the servers of a developer's machine.

Owns: migrations, grants, the image and the compose file, `programmes/`. Writes: the schema and the roles, as the owner of the
database. Never: rows of a store.
"""
