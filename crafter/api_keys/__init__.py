"""Provider keys: the secrets with which a project's agents call models; written once, never read back."""
