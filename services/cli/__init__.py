"""The operator's commands (`huifang …`), one module a command.

Owns the data folder (`.local/` by default): its lock, its secrets, the note of what runs there. Starts and stops the
servers and services of a developer's machine. Writes to the database only through the HTTP API, but for migrations,
backup and restore. Holds no rule of the business.
"""
