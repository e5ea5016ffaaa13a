#!/bin/sh
# Before the processes start: the schema, and the files for nginx below FOLDER: prepare.sh FOLDER. SITE_HOST is set.
set -eu
hubs db upgrade
hubs deploy --to "$1" --host "$SITE_HOST" >/dev/null
cp nginx.conf "$1/etc/nginx/nginx.conf"
# The settings are in the environment here. What a container logs is what it prints.
rm "$1/etc/hubs/hubs.env"
sed -i -e "s#/etc/hubs/tls#$1/etc/hubs/tls#" -e "s#root /var/www#root $1/var/www#" -e 's#/var/log/nginx/hubs.log#/dev/stdout#' \
    "$1/etc/nginx/conf.d/hubs.conf"
