"""Runs Python that we do not trust: in a process of its own, which the kernel lets do nothing but compute."""
