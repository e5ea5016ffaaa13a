"""A publisher's class of messages."""

from fedora_messaging import message as library


class Docked(library.Message):
    """A class as publishers write them."""

    @property
    def summary(self) -> str:
        return f"{self.body['captain']} docked\nat {self.body['pier']}"

    @property
    def url(self) -> str:
        return self.body.get("url") or "https://harbour.example/log"
