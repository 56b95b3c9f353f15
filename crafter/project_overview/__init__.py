"""One project with all it holds, in one answer."""
