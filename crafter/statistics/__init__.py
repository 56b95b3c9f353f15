"""What an organization has used, and when: figures over prompts, runs of task agents and conversations."""
