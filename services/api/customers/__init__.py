"""Customers 客户: people and organisations, how to reach them, what they agreed to, everything about one of them in one place.

Owns: the file. Writes: customers, contact_points, consents, opt_outs, audit_log; a customer who died has his visits cancelled.
Never: shows a whole number but through `reveal`, which is audited; treats a phone as a key: families share them, so a number that
another file has is warned of, not refused.
"""
