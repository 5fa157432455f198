#!/bin/bash
# Prepares the empty server of one database; the postgres image runs it once, before it listens on
# the network.  It takes from roles.sql the statements that name MOIETY_DATABASE (one a line), so that
# no server knows another's roles, and gives its two roles their passwords from files.
set -euo pipefail

grep -wE "${MOIETY_DATABASE}(_migrator|_app)?" /etc/moiety/roles.sql |
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres

for role in migrator app; do
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<SQL
\set password \`cat /run/secrets/${MOIETY_DATABASE}_${role}_password\`
ALTER ROLE ${MOIETY_DATABASE}_${role} PASSWORD :'password';
SQL
done
