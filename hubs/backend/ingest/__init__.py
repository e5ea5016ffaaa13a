"""What happens to an arriving message: extraction, storage, effects, backfill from the history service."""
