"""An event server subscribes by itself, before anybody has asked it for anything."""

from pathlib import Path

import pytest
import redis

from hubs.events import canary
from tests import services, streams
from tests.services import HOST, wait_for


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["", "preload"])
def test_a_server_that_nobody_asked_confirms_canaries(tmp_path: Path, options: tuple[str, ...]) -> None:
    with services.redis_server(tmp_path) as (_, port), redis.Redis(HOST, port) as client:
        with streams.start(tmp_path, port, *options):
            wait_for(lambda: client.publish(canary.CHANNEL, "first") > 0, "a subscription")
            canary.publish(client, "second")
            wait_for(lambda: canary.is_confirmed(client, "second"), "the confirmation")
