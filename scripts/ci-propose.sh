#!/bin/sh
# Proposes the patch of `make ci-dependencies` as a pull request: puts it on a branch of its own, pushes that, and opens
# the request or renews its text. Runs nothing of what it proposes. Wants `gh` and GH_TOKEN, which may write to both.
set -eu
cd "$(dirname -- "$0")/.."
BRANCH=${BRANCH:-update-pins} BASE=${BASE:-main}
PATCH=ci-out/dependencies.patch TEXT=ci-out/dependencies.md
TITLE='Raise pinned versions'

fail() {
	printf 'Error: %s\n' "$*" >&2
	exit 1
}

[ -e "$PATCH" ] || fail "$PATCH is not here. Make it with \`make ci-dependencies\`, or fetch it from the job that did."
if [ ! -s "$PATCH" ]; then
	echo "Every pin is as new as it may be; nothing to propose."
	exit
fi
# The job that made the patch ran code of all these packages' authors, so it is trusted with locked files and no more.
others=$(git apply --numstat "$PATCH" | cut -f 3 | grep -Ev '(^|/)(requirements[a-z-]*\.txt|go\.(mod|sum))$' || true)
[ -z "$others" ] || fail "$PATCH changes more than pins ($(printf '%s' "$others" | tr '\n' ' ')). Look how that came."
git switch --quiet --force-create "$BRANCH"
git apply --index "$PATCH"
git -c user.name='pipeline' -c user.email='pipeline@users.noreply.github.com' commit --quiet --message "$TITLE" \
	--message "By \`make ci-dependencies\`; the pull request says which, and what is left to a person."
# The token comes from the environment through gh, so that it stands neither in a command line nor in .git/config.
git -c credential.helper= -c credential.helper='!gh auth git-credential' push --quiet --force origin "HEAD:refs/heads/$BRANCH"
if [ "$(gh pr list --head "$BRANCH" --base "$BASE" --state open --json number --jq length)" = 0 ]; then
	gh pr create --head "$BRANCH" --base "$BASE" --title "$TITLE" --body-file "$TEXT"
else
	gh pr edit "$BRANCH" --body-file "$TEXT"
fi
