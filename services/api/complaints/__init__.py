"""Complaints 投诉: registered, responded to, handled, told, and closed by the customer's word; the crisis with its checklist.

Owns: the wire of complaints and who may do what to one. Writes: complaints, complaint_events, tasks, through `shared.complaints`.
Never: computes a deadline, closes without the customer's word (a manager may, marked so), shows the text to others than owner and
managers.
"""
