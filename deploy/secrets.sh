#!/bin/sh
# Makes the secrets of deploy/compose.yaml in deploy/secrets, once. Nothing that is there already is changed.
set -eu

folder=$(dirname "$0")/secrets
if [ -e "$folder" ]; then
    echo "$folder is there already; nothing was changed" >&2
    exit 1
fi
random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

# The folder is closed. The files are not: Docker binds each into containers whose users have numbers of their own.
umask 077
mkdir "$folder"
umask 022
password=$(random 24)
access=$(random 12)
secret=$(random 24)
printf %s "$password" > "$folder/postgres_password"
printf %s "postgres://procession:$password@postgres:5432/procession" > "$folder/ledger"
printf %s "$access" > "$folder/s3_access_key"
printf %s "$secret" > "$folder/s3_secret_key"
random 32 > "$folder/signing_key"
cat > "$folder/s3.json" <<END
{"identities": [{"name": "procession", "credentials": [{"accessKey": "$access", "secretKey": "$secret"}],
  "actions": ["Admin", "Read", "List", "Tagging", "Write"]}]}
END
echo "Made the secrets in $folder. Keep a copy of signing_key away from the photos."
