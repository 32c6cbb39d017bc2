#!/usr/bin/env bash
# Install the packages of the field in environments of their own, show each finding again, and run
# the official package's own tests.
# Usage: tests/field/run.sh [clients|gateways|official] [arguments of pytest]. Takes some minutes: the packages are large.
set -euo pipefail
cd "$(dirname "$0")/../.."

groups=(clients gateways official)
case "${1:-}" in clients | gateways | official)
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
    tests=tests/field/test_findings.py
    if [ "$group" = official ]; then # its own tests, which only its source distribution has
        tests=tests/field/test_official_tests.py
        "$work/$group/bin/pip" download --quiet --no-deps --no-binary anthropic --dest "$work/source" \
            "$(grep '^anthropic==' tests/field/requirements-official.txt)"
        STREAMFOLD_OFFICIAL_SDIST=$(echo "$work"/source/anthropic-*.tar.gz)
        export STREAMFOLD_OFFICIAL_SDIST
    fi
    FIELD=$group "$work/$group/bin/python" -m pytest -q "$tests" --noconftest "$@"
done
