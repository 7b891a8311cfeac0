"""Tasks: what a person must do that is not a call, opened by the ladder, an import or a reply.

Owns: listing and closing them. Writes: `tasks.done_at`, `done_by`, `assignee_id`. Never: opens one by itself.
"""
