"""Logging of fedmsg-hub and fedmsg-relay: everything to stderr, one line per event, as HUBS_LOG says: text or json."""

import os

from hubs.logs.setup import dictionary

config = {"logging": dictionary(os.environ.get("HUBS_LOG", "text"))}
