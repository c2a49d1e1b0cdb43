"""MySQL's full log-in without TLS: the server gives the client a key, and gets the password hidden by it."""

from __future__ import annotations

from functools import cached_property
from itertools import cycle
from typing import TYPE_CHECKING

from pytest_agentready.world.services import mysql_wire as wire

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class FullLogIn:
    """One, with a key of its own."""

    @cached_property
    def _key(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(65537, 2048)

    @property
    def public_key(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, form)

    def password(self, hidden: bytes) -> bytes:
        """Raises ValueError."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        scheme = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
        salted = self._key.decrypt(hidden, scheme)
        return bytes(one ^ other for one, other in zip(salted, cycle(wire.SALT), strict=False))
