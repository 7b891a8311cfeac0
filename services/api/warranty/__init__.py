"""Warranty items 质保项目 of cars: what is under warranty until a day or a mileage.

Owns: an item's terms. Writes: warranty_items, audit_log; visits about it, through shared.planning. Never: estimates its end by itself
(that is the domain's), or calls about it.
"""
