"""The holes that others have had, tried on us: each test names the incident it is for."""
