"""A consumer for fedora-messaging's own ``consume`` command: stores each message in a transaction of its own."""

import json
import os

from fedora_messaging.message import Message
from sqlalchemy import create_engine, text


class StoreEach:
    """The callback; ``BENCH_DATABASE`` is the database in which it creates its table."""

    def __init__(self) -> None:
        self._engine = create_engine(os.environ["BENCH_DATABASE"])
        with self._engine.begin() as connection:
            columns = "id bigserial PRIMARY KEY, msg_id text UNIQUE, topic text, body json"
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS peer_messages ({columns})"))

    def __call__(self, message: Message) -> None:
        """Store a message; one that is stored already is left as it is."""
        values = {"msg_id": message.id, "topic": message.topic, "body": json.dumps(message.body)}
        insert = (
            "INSERT INTO peer_messages (msg_id, topic, body) VALUES (:msg_id, :topic, :body) ON CONFLICT DO NOTHING"
        )
        with self._engine.begin() as connection:
            connection.execute(text(insert), values)
