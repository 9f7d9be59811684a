#!/bin/sh
# Makes the passwords docker-compose.yml reads, once: what is there is never changed.
#   deploy/make_secrets.sh [DIRECTORY]     (default: deploy/secrets beside this script)
# The directory is closed to everybody but its owner. The files in it are readable, because each is mounted alone
# into a container whose service runs under another user id.
set -eu
umask 077
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
directory=${1:-$repository/deploy/secrets}
mkdir -p "$directory"
chmod 700 "$directory"
directory=$(CDPATH='' cd -- "$directory" && pwd)

keep() { # FILE: writes standard input to a new secret file, whole or not at all
  cat > "$directory/.$1.new"
  chmod 444 "$directory/.$1.new"
  mv -f "$directory/.$1.new" "$directory/$1"
}

for password in postgres_password grafana_admin_password; do
  if [ ! -s "$directory/$password" ]; then
    od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n' | keep "$password"
  fi
done
if [ ! -s "$directory/database_url" ]; then
  printf 'postgresql://holistic:%s@postgres:5432/holistic' "$(cat "$directory/postgres_password")" | keep database_url
fi

settings=${HOLISTIC_ENV_FILE:-$repository/.env}
if ! grep -qs '^HOLISTIC_SECRETS=' "$settings"; then
  # Behind a last line that was never ended it would become part of that one.
  if [ -s "$settings" ] && [ -n "$(tail -c 1 "$settings")" ]; then echo >> "$settings"; fi
  printf 'HOLISTIC_SECRETS=%s\n' "$directory" >> "$settings"
fi
echo "Secrets are in $directory; $settings tells docker compose."
