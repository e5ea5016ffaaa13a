"""What administrators do to a whole instance: rotate its key, back it up and restore it, install it on a machine."""
