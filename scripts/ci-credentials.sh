#!/bin/sh
# Writes what opens a stack from a CI's secrets into files that only this user reads, and wipes them again.
# Usage: ci-credentials.sh write|wipe. Secrets come by environment, never as words: words are shown to every user by ps.
#   PULUMI_PASSPHRASE  opens the secrets in the stack's state, unless Pulumi.STACK.yaml names a key service for that
#   SSH_KEY            private key of the user in dockerHost, where that begins with ssh://
#   SSH_KNOWN_HOSTS    that host's keys, as `ssh-keyscan` prints them and somebody has compared them
#   STATE_CREDENTIALS  what opens PULUMI_BACKEND_URL: for s3:// a file in the form of ~/.aws/credentials, for gs:// one
#                      of a Google service account
set -eu
umask 077
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
FOLDER=$ROOT/.ci-secrets

fail() {
	printf 'Error: %s\n' "$*" >&2
	exit 1
}

# put NAME TEXT: printf is part of the shell, so its words are in no list of processes. OpenSSH refuses a key whose last
# line has no end, which many forms for secrets cut off.
put() { printf '%s\n' "$2" >"$FOLDER/$1"; }

# has_key_service: whether something else than a passphrase encrypts the stack's secrets.
has_key_service() { grep -q '^secretsprovider: *[a-z]*://' "$ROOT/Pulumi.${STACK:-}.yaml" 2>/dev/null; }

write_ssh() {
	[ -n "${SSH_KNOWN_HOSTS:-}" ] || fail "SSH_KEY is there, but SSH_KNOWN_HOSTS is not, and a host whose key nobody" \
		"knows is not connected to. Set it to what \`ssh-keyscan HOST\` prints, once you have compared that."
	ssh=$(command -v ssh) || fail "The program ssh is not here. Install openssh-client."
	put ssh-key "$SSH_KEY"
	put known_hosts "$SSH_KNOWN_HOSTS"
	put ssh-config "Host *
  IdentityFile \"$FOLDER/ssh-key\"
  IdentitiesOnly yes
  UserKnownHostsFile \"$FOLDER/known_hosts\"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ServerAliveInterval 30"
	mkdir "$FOLDER/bin"
	put bin/ssh "#!/bin/sh
exec '$ssh' -F '$FOLDER/ssh-config' \"\$@\""
	chmod 700 "$FOLDER/bin/ssh"
}

case ${1:-} in
write)
	[ -n "${PULUMI_PASSPHRASE:-}" ] || has_key_service || fail "PULUMI_PASSPHRASE is empty, but without it no stack opens." \
		"Set it as a secret of this environment (docs/pipelines.md)."
	rm -rf "$FOLDER"
	mkdir "$FOLDER"
	trap '[ $? -eq 0 ] || rm -rf "$FOLDER"' EXIT
	if [ -n "${PULUMI_PASSPHRASE:-}" ]; then put passphrase "$PULUMI_PASSPHRASE"; fi
	if [ -n "${STATE_CREDENTIALS:-}" ]; then put state-credentials "$STATE_CREDENTIALS"; fi
	if [ -n "${SSH_KEY:-}" ]; then write_ssh; fi
	echo "Credentials are in $FOLDER until 'make ci-wipe'."
	;;
wipe)
	rm -rf "$FOLDER"
	printf 'No credentials are here any more.\n'
	;;
*)
	printf 'Usage: %s write|wipe\n' "$0" >&2
	exit 2
	;;
esac
