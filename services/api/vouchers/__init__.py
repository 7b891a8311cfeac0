"""Vouchers 优惠券: found by code, redeemed once with a work order, issued by hand, cancelled with a reason.

Owns: their wire. Writes: vouchers (what a person does with them), audit_log. Never: tells the customer, or lets a voucher be used
twice, after its last day, or by somebody else.
"""
