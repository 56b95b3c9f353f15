"""Projects: what an organization works on; agents, keys and prompts belong to one."""
