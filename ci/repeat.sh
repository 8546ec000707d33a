#!/bin/sh
# Runs the main job with seeds FIRST to LAST, and fails where any run is red: ci/repeat.sh FIRST LAST [OPTIONS]
set -eu
cd "$(dirname "$0")/.."
first=$1 last=$2
shift 2
sh ci/setup.sh
mkdir -p reports
red=0
for seed in $(seq "$first" "$last"); do
    started=$(date +%s)
    if .venv/bin/python -m pytest -q -m equivalence --ntk-seed="$seed" "$@" >"reports/seed-$seed.log" 2>&1; then
        verdict=green
    else
        verdict=RED red=$((red + 1))
    fi
    echo "seed $seed: $verdict after $(($(date +%s) - started)) s"
done
echo "$red red runs"
[ "$red" -eq 0 ]
