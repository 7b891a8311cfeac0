"""Insurance policies over HTTP."""
