"""Areas of LLM Crafter that are not there: what its web UI reads is answered as if empty, the rest with 501."""
