"""What another feature may take here: the limits of a try, when answers are required, a script in words."""

from __future__ import annotations

from services.api.visits.next import with_limits
from services.api.visits.required import POLICIES, SETTING
from services.api.visits.script import render_script, unfilled
from services.api.visits.spoken import made_up, script_facts

__all__ = ["POLICIES", "SETTING", "made_up", "render_script", "script_facts", "unfilled", "with_limits"]
