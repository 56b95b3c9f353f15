"""Conversations and their messages: the newest embedded, older ones in segments."""
