#!/usr/bin/env bash
# Install the packages of the field in environments of their own, and show each finding again.
# Usage: tests/field/run.sh [clients|gateways] [arguments of pytest]. Takes some minutes: the packages are large.
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
for group in "${groups[@]}"; do
    python3 -m venv "$work/$group"
    "$work/$group/bin/pip" install --quiet '.[testing]' -r "tests/field/requirements-$group.txt"
    rm -rf build ./*.egg-info
    FIELD=$group "$work/$group/bin/python" -m pytest -q tests/field/test_findings.py --noconftest "$@"
done
