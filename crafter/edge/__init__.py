"""Everything between the socket and a route: limits, ids, headers, routing and the bodies of errors."""
