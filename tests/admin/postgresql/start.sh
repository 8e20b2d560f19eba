#!/bin/sh
# Makes an empty cluster whose only user is asked for the password that its input gives, and serves it.
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
cat > /var/lib/postgresql/password
initdb --pgdata=data --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256 --username=panel \
  --pwfile=/var/lib/postgresql/password > /dev/null
echo "host all all all scram-sha-256" >> data/pg_hba.conf
# Servers of operators have their own zone, and half an hour of it is seen wherever a time is not brought to UTC.
exec postgres -D data -c listen_addresses='*' -c unix_socket_directories= -c fsync=off -c max_connections=50 \
  -c timezone=Asia/Kolkata "$@"
