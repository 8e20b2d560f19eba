#!/bin/sh
# Runs a command with what `make setup` brought: run.sh COMMAND...
# A user who was added to the group docker in this session gets its rights here, without a new login.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/docker.sh
. "$ROOT/toolchain/docker.sh"

[ $# -gt 0 ] || fail "run.sh was given no command. Try \`toolchain/run.sh pulumi version\`."
read_line "$TOOLS/road"
case $line in
official) programs=$TOOLS/official ;;
mirror) programs=$TOOLS/bin ;;
*) fail "Pulumi is not set up yet. Run \`make setup\`." ;;
esac
export PATH="$programs:$ROOT/.venv/bin:$PATH"
# State and passphrase lie beside the program, unless the operator has others (docs/state.md).
read_line "$ROOT/.pulumi-backend"
export PULUMI_BACKEND_URL="${PULUMI_BACKEND_URL:-${line:-file://$ROOT}}"
if [ -z "${PULUMI_CONFIG_PASSPHRASE+set}" ]; then
	export PULUMI_CONFIG_PASSPHRASE_FILE="${PULUMI_CONFIG_PASSPHRASE_FILE:-$ROOT/.pulumi-passphrase}"
fi
# A missing plugin would be asked for five times on the network, and what `make setup` brings is all that is needed.
export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
# Pulumi and its providers are Go programs that end within seconds: collecting what they leave took a tenth of the time.
export GOGC="${GOGC:-400}"

if [ -S "$SOCKET" ] && ! may_use_socket && in_docker_group; then
	exec sg docker -c "exec $(quoted "$@")"
fi
exec "$@"
