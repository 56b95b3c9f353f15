"""Changes to stored documents that outlive a release: versioned, locked, checked, and safe to interrupt."""
