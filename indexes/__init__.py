"""Index definitions, collected from the documents, and the script that applies them."""
