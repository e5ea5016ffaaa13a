"""AMQP in and out: reading the broker's queue, and publishing our own changes with confirmation."""
