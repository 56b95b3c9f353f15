"""The surface for programs: what the published SDK and the chat widget talk to."""
