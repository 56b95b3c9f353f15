"""Running prompts: filled in, answered by a model or from the cache, and noted in the history."""
