"""Running agents: one turn of a conversation, from the message to the stored answer."""
