"""The versions of prompts: kept, compared, filled in, and named with labels."""
