"""Tasks, for the end users of sessions."""
