"""How programs get in: with a platform key, which acts for a person, and is limited in what, where and how often."""
