#!/usr/bin/env bash
# Install the packages of the field in environments of their own, show each finding again, and run
# the official package's own tests.
#
#     tests/field/run.sh [clients|gateways|official] [arguments of pytest]
#
# Needs Python with pip, and some minutes, because the packages are large. The groups run at the
# same time; the output of each comes as a whole. WHEEL names a wheel of streamfold to test instead
# of the checkout. The exit status is 75 if a package could not be installed, and no test failed.
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
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

if [ -z "${WHEEL:-}" ]; then
    python3 -m pip wheel --quiet --no-deps --wheel-dir "$work" .
    rm -rf build ./*.egg-info
    WHEEL=$(echo "$work"/streamfold-*.whl)
fi

# check GROUP ARGUMENT...: the tests of this group in a fresh environment
check() {
    local tests=test_findings.py
    python3 -m venv "$work/$1"
    "$work/$1/bin/pip" install --quiet "$WHEEL[testing]" -r "tests/field/requirements-$1.txt" \
        || return 75
    if [ "$1" = official ]; then # only its source distribution has the tests
        tests=test_official_tests.py
        "$work/$1/bin/pip" download --quiet --no-deps --no-binary anthropic --dest "$work/source" \
            "$(grep '^anthropic==' tests/field/requirements-official.txt)" || return 75
        STREAMFOLD_OFFICIAL_SDIST=$(echo "$work"/source/anthropic-*.tar.gz)
        export STREAMFOLD_OFFICIAL_SDIST
    fi
    FIELD=$1 "$work/$1/bin/python" -m pytest -q "tests/field/$tests" --noconftest \
        -p no:cacheprovider "${@:2}"
}

running=()
for group in "${groups[@]}"; do
    (set -e; check "$group" "$@") >"$work/$group.log" 2>&1 &
    running+=($!)
done
status=0
for number in "${!groups[@]}"; do
    group_status=0
    wait "${running[$number]}" || group_status=$?
    if [ $group_status -ne 0 ] && { [ $status -eq 0 ] || [ $status -eq 75 ]; }; then
        status=$group_status
    fi
    printf '== %s ==\n' "${groups[$number]}"
    cat "$work/${groups[$number]}.log"
done
exit $status
