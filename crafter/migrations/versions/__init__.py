"""The migrations, one module each: ``m0001_what_it_does``, in the order of their numbers.

A module has ``async def up(db, progress)``, which is safe to repeat and goes on where it was interrupted; ``async def
check(db) -> list[str]``, which names what is still wrong afterwards; and, if it can be undone, ``async def down(db,
progress)``. A module that was applied somewhere is never edited again: its checksum is kept.
"""
