"""The table of identities and its triggers, in SQL."""

from sqlalchemy import Connection, text

from hubs.models.months.layout import IDS

_TABLE = f"""CREATE TABLE IF NOT EXISTS {IDS} (
  msg_id varchar(64) PRIMARY KEY, message_id bigint NOT NULL UNIQUE, received_at timestamptz NOT NULL)"""
_INDEX = f"CREATE INDEX IF NOT EXISTS ix_{IDS}_received_at ON {IDS} (received_at)"
# A row that moves to another partition has its identity already.
_CLAIM = f"""CREATE OR REPLACE FUNCTION {IDS}_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {IDS} (msg_id, message_id, received_at) VALUES (NEW.msg_id, NEW.id, NEW.received_at)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    UPDATE {IDS} SET received_at = NEW.received_at WHERE msg_id = NEW.msg_id AND message_id = NEW.id;
    IF NOT FOUND THEN RETURN NULL; END IF;
  END IF;
  RETURN NEW;
END $$"""  # noqa: S608 - names of our own
_NOTE = f"""CREATE OR REPLACE FUNCTION {IDS}_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {IDS} (msg_id, message_id, received_at) VALUES (NEW.msg_id, NEW.id, NEW.received_at)
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$"""  # noqa: S608 - names of our own
_FORGET = f"""CREATE OR REPLACE FUNCTION {IDS}_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('hubs.moving', true), '') <> 'on' THEN
    DELETE FROM {IDS} WHERE message_id = OLD.id AND received_at = OLD.received_at;
  END IF;
  RETURN NULL;
END $$"""  # noqa: S608 - names of our own


def create(connection: Connection) -> None:
    """Create the table of identities, empty, and the functions of the triggers."""
    for statement in (_TABLE, _INDEX, _CLAIM, _NOTE, _FORGET):
        connection.execute(text(statement))


def drop(connection: Connection) -> None:
    """Drop the table and the functions."""
    connection.execute(text(f"DROP TABLE IF EXISTS {IDS}"))
    for name in ("claim", "note", "forget"):
        connection.execute(text(f"DROP FUNCTION IF EXISTS {IDS}_{name}()"))


def watch(connection: Connection, table: str) -> None:
    """Note the identities of messages as they are inserted into and deleted from a table without partitions."""
    _trigger(connection, table, "note", "AFTER INSERT")
    _trigger(connection, table, "forget", "AFTER DELETE")


def unwatch(connection: Connection, table: str) -> None:
    """Undo `watch`, and `guard`."""
    for name in ("note", "claim", "forget"):
        connection.execute(text(f"DROP TRIGGER IF EXISTS {IDS}_{name} ON {table}"))


def guard(connection: Connection, table: str) -> None:
    """Insert into a partitioned table only messages whose identity is new."""
    _trigger(connection, table, "claim", "BEFORE INSERT")
    _trigger(connection, table, "forget", "AFTER DELETE")


def _trigger(connection: Connection, table: str, name: str, when: str) -> None:
    connection.execute(
        text(f"CREATE OR REPLACE TRIGGER {IDS}_{name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {IDS}_{name}()")
    )
