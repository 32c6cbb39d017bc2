#!/usr/bin/env bash
# Install the packages of the field in environments of their own, and show each finding again.
# Usage: tests/field/run.sh [clients|gateways] [arguments of pytest]. Takes minutes: the packages are large.
# Needs Python with pip. Both groups run at the same time; the output of each comes as a whole.
set -euo pipefail
cd "$(dirname "$0")/../.."

groups=(clients gateways)
case "${1:-}" in clients | gateways)
    groups=("$1")
    shift
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# check GROUP ARGUMENT...: the tests of this group in a fresh environment
check() {
    python3 -m venv "$work/$1"
    "$work/$1/bin/pip" install --quiet "$wheel[testing]" -r "tests/field/requirements-$1.txt"
    FIELD=$1 "$work/$1/bin/python" -m pytest -q tests/field/test_findings.py --noconftest \
        -p no:cacheprovider "${@:2}"
}

python3 -m pip wheel --quiet --no-deps --wheel-dir "$work" .
rm -rf build ./*.egg-info
wheel=$(echo "$work"/streamfold-*.whl)
running=()
for group in "${groups[@]}"; do
    (set -e; check "$group" "$@") >"$work/$group.log" 2>&1 &
    running+=($!)
done
status=0
for number in "${!groups[@]}"; do
    wait "${running[$number]}" || status=1
    printf '== %s ==\n' "${groups[$number]}"
    cat "$work/${groups[$number]}.log"
done
exit $status
