"""Scheduling of widget rebuilds: queues, timers, Celery."""
