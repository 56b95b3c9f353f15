"""A server on loopback for tests of outgoing calls: it counts who came, and can misbehave at the byte level."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """A server on loopback that counts the connections it accepted, and remembers the heads it was sent."""

    def __init__(self, handler: Handler) -> None:
        self.port = 0
        self.accepted = 0
        self.heads: list[str] = []
        self.asked = asyncio.Event()
        self.idle = asyncio.Event()
        self.conversations: set[asyncio.Task[None]] = set()
        self._handler = handler

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.idle.clear()
        self.conversations.add(asyncio.create_task(self._converse(reader, writer)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                self.asked.set()
                await self._handler(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone
        finally:
            writer.close()
            self.conversations.remove(cast("asyncio.Task[None]", asyncio.current_task()))
            if not self.conversations:
                self.idle.set()


@asynccontextmanager
async def listening(
    handler: Handler | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener]:
    """A listener on a free port for as long as the block runs; by default it says hello."""
    listener = Listener(handler or answering(b"hello"))
    server = await asyncio.start_server(listener.accept, "127.0.0.1", 0, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        for conversation in listener.conversations:
            conversation.cancel()
        await asyncio.gather(*listener.conversations, return_exceptions=True)


def answering(body: bytes, *headers: str, status: str = "200 OK") -> Handler:
    """Answers every request with this body and these header lines."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode()

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)

    return handle


def dripping(piece: bytes, seconds: float, *, head: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Handler:
    """Sends the head, then one piece after another, without an end."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return handle


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Reads for ever and never answers."""
    await reader.read()


def certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context with a fresh self-signed certificate, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(certificate + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=certificate.decode())
