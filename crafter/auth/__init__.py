"""Getting in: registration, login, access tokens, one's own profile."""
