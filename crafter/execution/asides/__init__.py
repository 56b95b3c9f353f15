"""What runs beside the turns of a conversation: it may fail, or come late, and no turn is the worse for it."""
