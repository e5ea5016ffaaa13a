"""Signatures: off on loopback, on between machines (HUBS_BUS_SIGN=1, and HUBS_BUS_CERTS names the folder).

Without signatures a message is only a hint: the daemon reads the database again before it acts.
"""

import functools
import importlib
import os
import socket

from hubs.settings import load

signing = os.environ.get("HUBS_BUS_SIGN", "0") in ("1", "on", "true", "yes")
# Never empty where messages are signed: `load` below refuses that.
folder = os.environ.get("HUBS_BUS_CERTS", "")
host = socket.gethostname().split(".", 1)[0]

#: Topics that only the Hubs service may sign. Keys are whole topics: fedmsg knows no wildcards here.
ours = [
    "user.created",
    "user.role.added",
    "user.role.changed",
    "user.role.removed",
    "help.updated",
    "hub.created",
    "hub.updated",
    "widget.created",
    "widget.updated",
    "widget.deleted",
]
#: Names of whoever signs the account system's messages about groups; with none, nobody is believed.
accounts = [name.strip() for name in os.environ.get("HUBS_BUS_ACCOUNTS", "").split(",") if name.strip()]
groups = [
    "fas.group.member.sponsor",
    "fas.group.member.remove",
    "fas.group.member.removed",
    "ipa.group_add_member.v1",
    "ipa.group_remove_member.v1",
]
settings = load()
prefix = f"{settings.topic_prefix}.{settings.environment}"

config = {
    "sign_messages": signing,
    "validate_signatures": signing,
    "crypto_backend": "x509",
    "crypto_validate_backends": ["x509"],
    "ssldir": folder,
    "ca_cert_location": f"{folder}/ca.crt",
    # Left out, fedmsg would fetch a list from the network inside the hub.
    "crl_location": None,
    "cert_prefix": "hubs",
    "certnames": {f"hubs.{host}": f"hubs-{host}"},
    "routing_policy": {
        **{f"{prefix}.hubs.{name}": [f"hubs-{host}"] for name in ours},
        **{f"{prefix}.{name}": accounts for name in groups},
    },
    # The rest of the bus, which feeds are made of, is signed by many: any valid signature will do for it.
    "routing_nitpicky": False,
}


def _mend() -> None:
    """Let fedmsg's signatures work with a current pyOpenSSL, which no longer has load_crl.

    Unmended, a publisher sends null and a hub drops everything, both without an error.
    """
    import OpenSSL.crypto
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not hasattr(OpenSSL.crypto, "load_crl"):
        OpenSSL.crypto.load_crl = lambda kind, text: x509.load_pem_x509_crl(
            text.encode() if isinstance(text, str) else text
        )
    modern, chosen = (importlib.import_module(f"fedmsg.crypto.{name}") for name in ("x509_ng", "x509"))
    if not modern._cryptography:
        importlib.reload(modern)
        importlib.reload(chosen)
    # Reading and checking the key costs 40 ms a message; it does not change.
    modern.serialization.load_pem_private_key = functools.lru_cache(load_pem_private_key)


if signing:
    _mend()
