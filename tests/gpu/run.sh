#!/usr/bin/env bash
# Installs the pack beside the packages of this machine's python3 and checks the course on its GPU, without a network:
#   bash PACK/run.sh [arguments of check.py]        or, in a checkout: bash tests/gpu/run.sh
# The pack is the folder of this script, or PACK (default: gpu_pack). Results go to OUT (default: gpu_out).
# Into a folder of its own and not a virtual environment: one that is made from another does not see its packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pack=$here
[ -d "$pack/wheels" ] || pack=${PACK:-gpu_pack}
[ -d "$pack/wheels" ] || { echo "There is no pack in $pack: make one with python tests/gpu/pack.py" >&2; exit 2; }
pack=$(cd "$pack" && pwd)
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
started=$SECONDS
python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check --target "$site" "$pack"/wheels/*.whl
python3 -m compileall -q -j 0 "$site" || true  # once, and not in each of the processes that follow
echo "installed in $((SECONDS - started)) s"
# Caches and state of this check are its own
export PYTHONPATH="$site" COURSE_LABS_CACHE="$site/cache" HF_HOME="$site/hf" COURSE_LABS_OFFLINE=1 HF_HUB_OFFLINE=1
python3 "$pack/check.py" --out "${OUT:-gpu_out}" "$@"
