"""Campaigns 活动: an activity or a recall for a segment, by call list or message; previewed, approved, launched, watched, stopped.

Owns: their wire. Writes: campaigns, campaign_members, the campaign's own text among message_templates, audit_log; visits, through
shared.planning, in the transaction of the launch. Never: reaches somebody the rules leave out, or changes what is running.
"""
