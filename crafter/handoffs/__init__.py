"""Conversations that go to people: asking for one, taking over, talking, handing back, and watching."""
