"""Logging of fedmsg-hub and fedmsg-relay: everything to stderr, where systemd and the supervisor read it."""

_line = {"level": "INFO", "propagate": False, "handlers": ["console"]}

config = {
    "logging": {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
        "loggers": {"fedmsg": _line, "moksha": {**_line, "level": "WARNING"}},
        "root": {"level": "INFO", "handlers": ["console"]},
    }
}
