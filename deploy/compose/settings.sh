#!/bin/sh
# Writes the settings for the containers beside this file: sh settings.sh hubs.example.org
set -eu
host=${1:?name the host at which people reach the pages}
file=$(dirname "$0")/.env
[ ! -e "$file" ] || { echo "$file exists; nothing is changed." >&2; exit 1; }
secret() { od -An -N 32 -tx1 /dev/urandom | tr -d ' \n'; }
password=$(secret)
umask 077
cat >"$file" <<END
# Settings of Hubs in containers; all are listed in docs/settings.md.
SITE_HOST=$host
HUBS_SITE_URL=https://$host
HUBS_ENVIRONMENT=prod
# Part of a backup.
HUBS_SECRET_KEY=$(secret)
POSTGRES_PASSWORD=$password
HUBS_DATABASE_URL=postgresql+psycopg2://hubs:$password@127.0.0.1/hubs
END
echo "$file is written. Complete it, then run: docker compose up --detach --wait"
