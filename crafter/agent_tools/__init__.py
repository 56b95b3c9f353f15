"""The tools of an agent: which it has, and the settings of each."""
