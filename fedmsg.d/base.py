"""The bus as one machine sees it: a relay on loopback, which the web app publishes through and the hub listens to.

The addresses come from HUBS_BUS_INBOUND and HUBS_BUS_OUTBOUND. Write numbers: the word localhost is refused. The first
parts of topics are settings, in the environment, a file or a preset.
"""

import os

from hubs.settings import load

settings = load()
inbound = os.environ.get("HUBS_BUS_INBOUND", "tcp://127.0.0.1:2003")
outbound = os.environ.get("HUBS_BUS_OUTBOUND", "tcp://127.0.0.1:4001")

config = {
    "topic_prefix": settings.topic_prefix,
    "environment": settings.environment,
    "endpoints": {"relay_outbound": [outbound]},
    "relay_inbound": [inbound],
    # Anything but 0 makes every publisher crash with current pyzmq.
    "high_water_mark": 0,
    "io_threads": 1,
    "post_init_sleep": 0.2,
    "zmq_linger": 1000,
    "zmq_enabled": True,
    "zmq_strict": False,
    # A firewall between two machines forgets silent connections.
    "zmq_tcp_keepalive": 1,
    "zmq_tcp_keepalive_cnt": 3,
    "zmq_tcp_keepalive_idle": 60,
    "zmq_tcp_keepalive_intvl": 5,
}
