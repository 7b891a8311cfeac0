"""Surveys as the house sees them: what was asked, who answered what.

Owns: reading surveys. Writes: nothing; the public page and the notifier enter answers.
"""
