# shellcheck shell=sh
# Reaching this machine's own Docker Engine, whatever the caller's environment says. Sourced after lib.sh.

SOCKET=${STEALTH_VPN_DOCKER_SOCKET:-/var/run/docker.sock}
# A host or a context of the operator's would lead to another engine.
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION

# may_use_socket: whether this very process may; a user who was just added to the group must start a new one.
may_use_socket() { [ -w "$SOCKET" ]; }

# in_docker_group: whether the user is, by the machine's records, which this process may not have followed yet.
in_docker_group() {
	members=$(getent group docker) || return 1
	case ",${members##*:}," in
	*",$(id -un),"*) return 0 ;;
	*) return 1 ;;
	esac
}

# quoted WORD...: the words as a shell reads them back.
quoted() {
	for word; do printf "'%s' " "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"; done
}

# engine ARGUMENTS...: docker at this machine's engine, with the least rights that reach it.
engine() {
	if may_use_socket; then
		docker --host "unix://$SOCKET" "$@"
	elif in_docker_group; then
		sg docker -c "$(quoted docker --host "unix://$SOCKET" "$@")"
	else
		as_root docker --host "unix://$SOCKET" "$@"
	fi
}
