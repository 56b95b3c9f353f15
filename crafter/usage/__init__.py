"""What an organization uses of its models: the ledger summed up by day, and the questions that it answers."""
