"""Duplicate files: suggested, made one after a preview, and made two again.

Owns: `customer_merges`. Writes: whose rows of a customer are, the fields that are filled, consents, visits that both files had; all in one
transaction, with everything that is needed to undo it in `customer_merges.moved`.
Never: deletes a file; the id of the one that went leads to the one that stayed. Messages stay where they were sent to.
"""
