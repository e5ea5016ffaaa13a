#!/bin/sh
# Installs Hubs from the source tree in the current folder into a virtual environment: install.sh FOLDER.
# Whatever comes from elsewhere must have the hash that the lock file says, and so must the wheel that is built here.
set -eu
target=$1
wheels=$(mktemp -d)
python3 -m venv "$target"
"$target/bin/pip" install --quiet --use-pep517 --require-hashes -r requirements/production.txt
"$target/bin/pip" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$wheels" .
set -- "$wheels"/*.whl
hash=$(sha256sum "$1" | cut -d ' ' -f 1)
printf 'fedora-hubs @ file://%s --hash=sha256:%s\n' "$1" "$hash" >"$wheels/hubs.txt"
"$target/bin/pip" install --quiet --no-deps --no-index --require-hashes -r "$wheels/hubs.txt"
"$target/bin/python" -m compileall -q "$target"
rm -r "$wheels"
