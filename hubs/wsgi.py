"""The pages, for a WSGI server: ``gunicorn hubs.wsgi:application``."""

from hubs.app import create_app

application = create_app()
