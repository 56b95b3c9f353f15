"""Session tokens: with one, an end user talks to one agent for a while, on the account of a platform key."""
