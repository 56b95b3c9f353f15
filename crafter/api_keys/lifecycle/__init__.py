"""What becomes of provider keys: other secrets, the default one, expiry, and their end."""
