#!/bin/sh
# Makes this machine a server, from its check to the first user's link; or brings one to what is configured.
# It may be interrupted and run again: what is there is kept. docs/install.md tells each step.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
STACK=${STACK:-local}
unattended='' firewall=yes

usage() {
	cat <<-'END'
		usage: ./install.sh [option ...]
		  --domain NAME           domain of the server (or DOMAIN in the environment)
		  --email ADDRESS         mail address for the certificate authority (or EMAIL)
		  --admin-username NAME   name of the panel's first account (or ADMIN_USERNAME)
		  --tls KIND              internal, acme or files
		  --mode MODE             full, or minimal for the site and the panel only
		  --import FILE           take over a file of variables; .env here, if there is one, for a new server
		  --stack NAME            which Pulumi.NAME.yaml it is written to (or STACK); local by default
		  --no-firewall           leave the firewall as it is
		  --unattended            ask nothing, and refuse if something must be told
	END
}

say() { printf '%s\n' "$*"; }

refuse() {
	printf 'Error: %s\n' "$*" >&2
	exit 2
}

# agreed QUESTION: yes unless somebody says no, or nobody is asked.
agreed() {
	if [ -n "$unattended" ]; then return 0; fi
	printf '%s [Y/n] ' "$1"
	read -r answer || return 1
	case $answer in '' | [Yy]*) return 0 ;; *) return 1 ;; esac
}

# What is about the configuration stays in "$@", for those who know its rules.
left=$#
while [ "$left" -gt 0 ]; do
	word=$1
	shift
	left=$((left - 1))
	case $word in
	--stack | --domain | --email | --admin-username | --tls | --mode | --import)
		[ "$left" -gt 0 ] || refuse "$word needs a value. \`./install.sh --help\` shows all options."
		word=$word=$1
		shift
		left=$((left - 1))
		;;
	esac
	case $word in
	--domain=* | --email=* | --admin-username=* | --tls=* | --mode=*) set -- "$@" "$word" ;;
	--import=*) set -- "$@" "--import=$(readlink -m -- "${word#*=}")" ;;
	--stack=*) STACK=${word#*=} ;;
	--no-firewall) firewall='' ;;
	--unattended)
		unattended=yes
		set -- "$@" "$word"
		;;
	-h | --help)
		usage
		exit
		;;
	*) refuse "$word is no option. \`./install.sh --help\` shows all of them." ;;
	esac
done
export STACK
if [ -z "$unattended" ] && [ ! -t 0 ]; then
	refuse "there is no terminal to ask in. Say --unattended, and by flags what the server needs (\`./install.sh --help\`)."
fi
case $STACK in '' | *[!A-Za-z0-9._-]*) refuse "the stack's name is $STACK, but it consists of letters, digits and . _ -" ;; esac
cd "$ROOT"

# before_setup COMMAND...: one of the operator's commands that needs no Pulumi, which is not there yet.
before_setup() { .venv/bin/python -m ops "$@"; }

say '== Machine'
toolchain/machine.sh

say '== Configuration'
toolchain/setup.sh python
before_setup config ask "$@"
if [ "$(id -u)" -ne 0 ] && [ ! -w "${STEALTH_VPN_DOCKER_SOCKET:-/var/run/docker.sock}" ] && ! id -nG "$(id -un)" | grep -qw docker; then
	agreed "To deploy, $(id -un) joins the group docker, which is as good as root on this machine. Go on?" ||
		refuse "without Docker there is no server. Run ./install.sh as root, and nobody joins that group."
fi
if [ -n "$firewall" ] && ! agreed 'Turn on the firewall UFW, with SSH and the ports of the server open?'; then firewall=''; fi

say '== Firewall'
if [ -n "$firewall" ]; then
	https=$(before_setup config get httpsPort)
	toolchain/firewall.sh "$(before_setup config get httpPort)/tcp" "$https/tcp" "$https/udp"
else
	say 'Left as it is.'
fi

say '== Tools and Docker'
toolchain/setup.sh

say '== Directories, configuration files, images and services'
scripts/ops up

say '== Status'
scripts/ops status
[ "$STACK" = local ] || prefix="STACK=$STACK "
cat <<END

What comes next:
  ${prefix:-}make doctor                  # whether the domain's names lead here, and all else that may be wrong
  ${prefix:-}make backup                  # then keep a copy of .backup-key elsewhere; without it no backup can be read
  ${prefix:-}scripts/ops backup schedule --at 03:30
  ${prefix:-}make add-user USER=alice     # prints her link; the first user's stands above
END
