"""The ledger: one row for every attempt to have a model answer, with what it took and how it went."""
