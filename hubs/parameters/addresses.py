"""Web addresses that people typed, as a type of their own: only the guarded HTTP client accepts them."""

from typing import Any
from urllib.parse import quote, urlencode


def below(base: str, *parts: object, **params: Any) -> str:
    """Return an address below ``base``. Parts are quoted; parameters that are None are left out."""
    path = "/".join(quote(str(part), safe="") for part in parts)
    given = {name: value for name, value in params.items() if value is not None}
    query = f"?{urlencode(given, doseq=True)}" if given else ""
    return f"{base.rstrip('/')}/{path}{query}"


class TypedAddress(str):
    """A web address that a person typed. It may lead anywhere, also into our own network.

    It is a text, but stays typed when it is extended, and refuses to be formatted into another text, which would make
    it look like an address that we chose. ``owner`` names the hub whose people typed it, such as ``hub:7``.
    """

    __slots__ = ("owner",)
    owner: str

    def __new__(cls, text: str, owner: str = "") -> "TypedAddress":
        """Return ``text`` as an address that the people of ``owner`` typed."""
        address = super().__new__(cls, text)
        address.owner = owner
        return address

    def below(self, *parts: object, **params: Any) -> "TypedAddress":
        """Return an address below this one. Parts are quoted; parameters that are None are left out."""
        return TypedAddress(below(str(self), *parts, **params), self.owner)

    def __add__(self, other: str) -> "TypedAddress":
        """Return a longer address, typed as well."""
        return TypedAddress(str(self) + other, self.owner)

    def __format__(self, spec: str) -> str:
        """Refuse: the result would not be known as typed.

        :raises TypeError: always.
        """
        raise TypeError(
            "An address that a person typed cannot be formatted into a text. Use address.below('api', 'items', page=2) "
            "for another address, or str(address) to show it."
        )
