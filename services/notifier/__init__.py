"""The outside world: turns due-contact events into messages, sends them, and hears what came of it.

Owns: messages and their attempts, receipts, replies, number_sends, surveys as made; the credentials of providers.
Writes also: opt-outs that a customer asked for by reply, tasks for replies a person must read, `visit_signals` (its only word to
the scheduler), visit_events, and `handled_at` of events, callbacks and orders.
Never: decides what is due, writes a visit, calls a provider inside a transaction, sends again by itself what may have been sent.
"""
