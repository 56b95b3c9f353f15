"""What the law asks for: nothing is kept longer than agents say, and end users can be exported and forgotten."""
