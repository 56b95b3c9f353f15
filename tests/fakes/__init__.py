"""Stand-ins for what is outside: tests never reach the network."""
