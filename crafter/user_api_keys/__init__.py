"""Platform keys: with one, a program acts in an organization on behalf of the person who made it."""
