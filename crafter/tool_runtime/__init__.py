"""Running tools: arguments are checked, the work is done, and every run is counted."""
