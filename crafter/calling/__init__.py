"""Getting hold of a model: from a stored provider key to something that can be asked."""
