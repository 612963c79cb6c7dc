#!/bin/sh
# Makes the cluster and its two databases once, then runs PostgreSQL in the foreground.
# usage: start.sh DATA_FOLDER PASSWORD_FILE
set -eu
data=$1/17
password_file=$2

if [ ! -f "$data/carrel-ready" ]; then
    # A first start that was killed left a half-made cluster: nobody has used it yet.
    rm -rf "$data"
    mkdir -p "$data"
    initdb --pgdata="$data" --username=carrel --pwfile="$password_file" \
        --auth-host=scram-sha-256 --auth-local=trust --encoding=UTF8 --locale=C.UTF-8
    printf 'host all all all scram-sha-256\n' >> "$data/pg_hba.conf"
    pg_ctl --pgdata="$data" --wait -o "-k /tmp -c listen_addresses=''" start
    createdb --host=/tmp --username=carrel carrel
    createdb --host=/tmp --username=carrel jupyterhub
    pg_ctl --pgdata="$data" --wait stop
    touch "$data/carrel-ready"
fi
exec postgres -D "$data" -k /tmp -c listen_addresses='*'
