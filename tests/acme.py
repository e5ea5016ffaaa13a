"""A certificate authority on a machine of its own: Pebble, which Let's Encrypt tests certbot's protocol with.

It checks as Let's Encrypt does that whoever asks controls the host name: by a file at its port 80.
"""

import json
import shutil

import pytest

from tests.machine import Machine

#: Its certificates are valid for less than the thirty days before whose end certbot renews.
_DAYS = 20
_FOLDER = "/srv/authority"
_CONFIG = {
    "pebble": {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": f"{_FOLDER}/own.pem",
        "privateKey": f"{_FOLDER}/own.key",
        "httpPort": 80,
        "tlsPort": 443,
        "certificateValidityPeriod": _DAYS * 86_400,
    }
}
#: What a person answers when certbot asks, and where its authority is.
_ANSWERS = """
server = https://127.0.0.1:14000/dir
no-verify-ssl = True
non-interactive = True
agree-tos = True
register-unsafely-without-email = True
"""
#: The certificate that signs its certificates, which is made at each start.
ROOT = f"{_FOLDER}/root.pem"


def require() -> None:
    """Skip the test where certbot or Pebble is missing."""
    if missing := [program for program in ("certbot", "pebble") if not shutil.which(program)]:
        pytest.skip(f"NOT TESTED: certificates of an authority (missing: {missing})")


def start(machine: Machine) -> None:
    """Start it in a machine, and let certbot there use it.

    By default it refuses one request in twenty to see whether a client tries again, as Debian's certbot cannot.
    """
    machine.do(f"""
mkdir -p {_FOLDER}
cat > {_FOLDER}/config.json <<'END'
{json.dumps(_CONFIG)}
END
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \\
    -out {_FOLDER}/own.pem -keyout {_FOLDER}/own.key
systemd-run --quiet --unit=authority --setenv=PEBBLE_VA_NOSLEEP=1 --setenv=PEBBLE_WFE_NONCEREJECT=0 \\
    pebble -config {_FOLDER}/config.json
cat >> /etc/letsencrypt/cli.ini <<'END'
{_ANSWERS}
END
curl --silent --show-error --insecure --retry 20 --retry-connrefused --retry-delay 1 -o {ROOT} https://127.0.0.1:15000/roots/0
""")
