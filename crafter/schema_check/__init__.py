"""Looking through everything that is stored for what does not fit the documents that the code declares."""
