"""Packaging of Fedora Hubs; tool configuration lives in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

# Migrations and the sample bus configuration live at the top of the source tree, where people look for them,
# and travel inside the package, so that an installed copy needs no source tree.
CARRIED = {"hubs._alembic": "alembic", "hubs._alembic.versions": "alembic/versions", "hubs._fedmsg": "fedmsg.d"}

setup(
    name="fedora-hubs",
    version="0.1.0",
    description="A portal of live widgets for a contributor community",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="AGPL-3.0-or-later",
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
            "*.json",
            "*.toml",
            "*.jsonl",
            "*.txt",
            "*.mako",
            "*.md",
            "templates/*.html",
        ],
        "hubs": ["py.typed", "static/**/*", "templates/**/*", "translations/**/*"],
        "hubs.kit": ["skeleton/**/*"],
        "hubs.testing": ["vendor/**/*"],
        "hubs._alembic": ["*.py", "*.mako"],
        "hubs._alembic.versions": ["*.py"],
        "hubs._fedmsg": ["*.py"],
    },
    install_requires=[
        "alembic>=1.13",
        "authlib>=1.9",
        "babel>=2.14",
        "click>=8.1",
        "cryptography>=42",
        "fakeredis[lua]>=2.26",
        "fedmsg[consumers]>=1.1.7",
        "feedparser>=6.0.11",
        "flask>=3.0",
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
        "markdown-it-py>=3.0",
        "moksha.hub>=1.5.17",
        "nh3>=0.2.17",
        "pydantic>=2.7",
        "pymemcache>=4.0",
        "pyyaml>=6.0",
        "redis>=5.0",
        "requests>=2.32",
        "setuptools>=69,<81",  # moksha.hub and fedmsg.meta read entry points through pkg_resources
        "sqlalchemy>=2.0.30",
        "tzdata",
    ],
    extras_require={
        "postgres": ["psycopg2>=2.9"],
        "fedora": ["fedmsg_meta_fedora_infrastructure>=0.31"],
        "test": [
            "hypothesis>=6.100",
            "import-linter>=2.1",
            "mypy>=1.10",
            "playwright>=1.44",
            "pytest>=8",
            "ruff>=0.5",
            "types-PyYAML",
            "types-requests",
        ],
    },
    entry_points={
        "console_scripts": ["hubs = hubs.cli:main"],
        "moksha.consumer": ["hubs = hubs.backend.consumer:FedoraHubsConsumer"],
    },
)
