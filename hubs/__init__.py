"""Fedora Hubs: a portal of live widgets for a contributor community."""

import atexit
import gc

__version__ = "0.2.0"

# Importing creates objects that stay: looking for garbage among them again and again takes a tenth of the start-up.
gc.set_threshold(10_000, *gc.get_threshold()[1:])

# At its end Python looks for garbage twice more, among all objects, although the memory is returned anyway: a quarter
# of the time of a short command.
atexit.register(gc.freeze)
