"""What a database that the Node server wrote looks like from here, before anything in it is changed."""
