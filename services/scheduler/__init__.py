"""Turns time into due-contact events.

Owns: the claim of what is due, the bell that tells the notifier, the jobs of the calendar. Writes: visits and visit_events (after
SELECT … FOR UPDATE), due_contact_events and their `rung_at`, tasks, `handled_at` of visit_signals, scheduled_jobs, its heartbeat,
`next_maintenance_on` of cars, the flag `confirm_number` of customers; deletes idempotency keys that have expired.
Never: talks to the outside, reads an address or the text of a message, needs Redis to do its work. Any number of them run at once.
"""
