"""Signing in with Google or GitHub: the authorization code flow with PKCE, bound to the browser that began it.

It is written here, and not taken from Authlib, for one reason: Authlib's client is a complete HTTP client of its
own (since 1.8 on httpx2), and outgoing calls are made by clients of ``crafter.core.egress`` alone. What would be
left of the library is a query string and a form; its Starlette integration keeps the state in a session cookie
that does not end a login once it has been used.

Two things protect against a code or an answer of another provider: each has a redirect address of its own, and
the sealed ticket names the provider that it was made for.
"""
