"""The table of the contract, section by section."""
