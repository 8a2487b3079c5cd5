#!/bin/sh
# Creates the secrets of compose.yaml: passwords, the key that signs tokens, a certificate for localhost. Existing secrets are
# kept; a certificate that expires within a month is replaced. Needs openssl.
set -eu
umask 077
fail() {
    echo "compose/secrets.sh: $*" >&2
    exit 1
}
command -v openssl >/dev/null || fail "needs openssl; install the package openssl"
folder=$(cd "$(dirname "$0")" && pwd)/secrets
mkdir -p "$folder"
cd "$folder"

# keep NAME TEXT: writes a file atomically. Any user may read it, since containers run as other users; the folder's mode keeps
# out other users of this machine.
keep() {
    printf '%s\n' "$2" >"$1.part"
    chmod 0444 "$1.part"
    mv -f "$1.part" "$1"
}

# random BYTES: prints random bytes in hex. Assign the output: in an argument a failure would become an empty password.
random() {
    text=$(openssl rand -hex "$1") && [ -n "$text" ] || fail "openssl rand -hex $1 gave nothing; repair or update openssl"
    printf '%s' "$text"
}

if [ ! -e complete ]; then
    database=$(random 24)
    queue=$(random 24)
    key=$(random 32)
    keep secret_key "$key"
    keep postgres_password "$database"
    keep database_url "postgresql://binnacle:$database@postgresql:5432/binnacle"
    keep redis_url "redis://:$queue@valkey:6379/0"
    keep complete "Delete this folder only together with the volumes: the database keeps its first password."
fi

# Separate from the block above for folders of older releases, which have only the superuser's URL. `migrate` creates the role.
if [ ! -e application_url ]; then
    application=$(random 24)
    keep application_url "postgresql://binnacle_app:$application@postgresql:5432/binnacle"
fi

for name in secret_key postgres_password database_url redis_url; do
    [ -s "$name" ] || fail "compose/secrets/$name is gone; put it back, or delete compose/secrets together with the volumes"
done

# Rewritten each time, for folders of older releases. The user has only the commands and keys of the service; `health` may
# only ping. The chart and docs/redis.md have the same rules.
queue=$(sed 's|^redis://:||; s|@.*||' redis_url)
keep valkey.conf "user default on >$queue \
resetchannels &fanout:* resetkeys ~cache:* ~LIMITS* ~binnacle* ~unacked* ~_kombu.* ~health -@all +@string \
+@hash +@list +@set +@sortedset +@transaction +del +exists +expire +pexpire +ttl +pttl +rename +type +eval \
+evalsha +script|load +publish +subscribe +unsubscribe +ping +select +client|setname +client|setinfo \
-@dangerous
user health on nopass -@all +ping"

if ! openssl x509 -checkend 2592000 -noout -in tls_certificate.pem >/dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 397 \
        -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
        -addext extendedKeyUsage=serverAuth -keyout tls_key.part -out tls_certificate.part 2>openssl.part ||
        fail "openssl could not make the certificate (1.1.1 or newer is needed): $(cat openssl.part)"
    rm -f openssl.part
    chmod 0444 tls_key.part tls_certificate.part
    mv -f tls_key.part tls_key.pem
    mv -f tls_certificate.part tls_certificate.pem
    echo "compose/secrets/tls_certificate.pem: created a self-signed certificate for https://localhost"
fi
