"""Messages as people see them: what went out, to whom, why or why not; and what they order of one.

Owns: reading messages and their attempts. Writes: `message_orders`, audit entries. Never: changes a message; the notifier does.
"""
