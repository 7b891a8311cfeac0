"""Alembic's revisions, oldest 0001. Each runs on the data of the version before it."""
