#!/bin/sh
# Make the virtual environment: `sh deploy/setup.sh FOLDER run|dev`. Does nothing when the locks have not changed since the last time.
# `run` has what the services and the embedded servers need; `dev` adds the tools for tests and serves for both.
set -eu

venv=$1
kind=$2
lock=requirements-$kind.lock
stamp=$venv/.set-up-$kind

fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON_FOR_SETUP:-} python3 python3.13 python3.12 python3.11; do
        if fits "$name"; then
            echo "$name"
            return
        fi
    done
    cat >&2 <<'WORDS'
No suitable Python was found. Huifang needs Python 3.11, 3.12 or 3.13 with venv and ensurepip
(on Debian and Ubuntu: apt install python3 python3-venv). To use one that is not on your PATH:
    make setup PYTHON_FOR_SETUP=/path/to/python3.12
WORDS
    exit 1
}

fingerprint() {
    cat "requirements-$2.lock" pyproject.toml "$0" | "$1" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest(), *sys.version_info[:2])'
    pwd
}

is_set_up() {
    [ -x "$venv/bin/python" ] && [ -f "$venv/.set-up-$1" ] &&
        [ "$(cat "$venv/.set-up-$1")" = "$(fingerprint "$venv/bin/python" "$1" 2>/dev/null)" ]
}

if is_set_up dev || is_set_up "$kind"; then
    exit 0
fi

if ! fits "$venv/bin/python"; then
    python=$(find_python)
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
rm -f "$stamp"
echo "Installing the pinned dependencies into $venv …"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement "$lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fingerprint "$venv/bin/python" "$kind" >"$stamp"
