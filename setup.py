"""Packaging of Fedora Hubs; tool configuration lives in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

# Migrations and the sample bus configuration live at the top of the source tree, where people look for them,
# and travel inside the package, so that an installed copy needs no source tree.
CARRIED = {
    "hubs._alembic": "alembic",
    "hubs._alembic.versions": "alembic/versions",
    "hubs._fedmsg": "fedmsg.d",
    "hubs._deploy": "deploy",
}
# The site of the documentation, where `make dist` has built it.
if Path("build/carried-docs/index.html").is_file():
    CARRIED["hubs._docs"] = "build/carried-docs"

# The one place that names the version. It is read, not imported: the dependencies may not be installed yet.
VERSION = re.search(r'^__version__ = "(.+)"$', Path("hubs/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
if VERSION is None:
    raise SystemExit("hubs/__init__.py does not say __version__ = …")

setup(
    name="fedora-hubs",
    version=VERSION[1],
    description="A portal of live widgets for a contributor community",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="AGPL-3.0-or-later",
    license_files=["LICENSE"],
    keywords=["fedora", "fedmsg", "flask", "widgets", "dashboard"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Web Environment",
        "Framework :: Flask",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=find_packages(include=["hubs", "hubs.*"]) + list(CARRIED),
    package_dir=CARRIED,
    package_data={
        "": [
            "*.html",
            "*.po",
            "*.css",
            "*.js",
            "*.svg",
            "*.xml",
            "*.json",
            "*.toml",
            "*.jsonl",
            "*.txt",
            "*.mako",
            "*.md",
            "templates/*.html",
        ],
        "hubs": ["py.typed", "static/**/*", "templates/**/*", "translations/**/*"],
        "hubs.settings": ["communities/*.toml"],
        "hubs.demo.services": ["contracts/**/*"],
        "hubs.kit": ["skeleton/**/*"],
        "hubs.testing": ["vendor/**/*"],
        "hubs._alembic": ["*.py", "*.mako"],
        "hubs._alembic.versions": ["*.py"],
        "hubs._fedmsg": ["*.py"],
        "hubs._deploy": ["**/*"],
        "hubs._docs": ["**/*"],
    },
    install_requires=[
        "alembic>=1.13",
        "authlib>=1.9",
        "babel>=2.14",
        "brotli>=1.1",
        "click>=8.1",
        "cryptography>=42",
        "fakeredis[lua]>=2.26",
        "fedmsg[consumers]>=1.1.7",
        "flask>=3.1",
        "flask-smorest>=0.45",
        "flask-sse>=1.0",
        "flask-wtf>=1.2",
        "gunicorn>=25",
        "honcho>=2.0",
        "httpcore>=1.0.5",
        "icalendar>=6.0",
        "itsdangerous>=2.2",
        "jinja2>=3.1",
        "joserfc>=1.0",
        "limits>=4",
        "linkify-it-py>=2.0",
        "lxml>=5.2",
        "markdown-it-py>=3.0",
        "marshmallow>=4.0",
        "moksha.hub>=1.5.17",
        "nh3>=0.2.17",
        "pillow>=11.3",
        "prometheus-client>=0.20",
        "pydantic>=2.14",  # before, threads could build a deferred model at the same time
        "pymemcache>=4.0",
        "pyyaml>=6.0",
        "recurring-ical-events>=3.8",
        "redis>=5.0",
        "requests>=2.32",
        "setuptools>=69,<81",  # moksha.hub and fedmsg.meta read entry points through pkg_resources
        "sqlalchemy>=2.0.30",
        "structlog>=24.1",
        "tzdata",
        "webargs>=8.6",
    ],
    extras_require={
        "postgres": ["psycopg2>=2.9"],
        "signatures": ["pyOpenSSL>=24.2"],
        "fedora": ["fedmsg_meta_fedora_infrastructure>=0.31"],
        "test": [
            "celery[redis]>=5.5",
            "fedora-messaging>=3.9",
            "feedparser>=6.0.11",
            "httpx>=0.27",
            "httpx-sse>=0.4",
            "hypothesis>=6.100",
            "import-linter>=2.1",
            "mypy>=1.10",
            "openapi-spec-validator>=0.7",
            "pika>=1.3",
            "playwright>=1.44",
            "pytest>=8",
            "pytest-rerunfailures>=16",
            "pytest-xdist>=3.6",
            "ruff>=0.5",
            "schemathesis>=4",
            "types-PyYAML",
            "types-requests",
        ],
        "amqp": ["pika>=1.3"],
        "celery": ["celery[redis]>=5.5"],
        "bench": ["feedparser>=6.0", "gevent>=24.2"],
        "backup": ["pyrage>=1.2"],
        "docs": ["myst-parser>=4", "sphinx>=8"],
    },
    entry_points={
        "console_scripts": ["hubs = hubs.cli:main", "hubs-worker = hubs.backend.worker:main"],
        "moksha.consumer": ["hubs = hubs.backend.consumer:FedoraHubsConsumer"],
    },
)
