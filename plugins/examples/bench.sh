#!/usr/bin/env bash
# Measures every example that is built, as the rows of the table in README.md. MERIT names a release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
merit=${MERIT:-target/release/merit}
row() {
  "$merit" plugin bench "$2" --cases plugins/examples/cases.toml --output csv | tail -1 |
    awk -F, -v name="$1" '{ printf "| %s | %d | %.1f | %d | %d | %d | %d |\n", name, $2, $3 / 1000, $4, $5, $6, $7 }'
}
echo "| language | bytes | load ms | first call µs | a call µs | a row of 4,096 ns | rows a second |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
row Formula plugins/examples/formula/plugin.formula
for language in Rust C AssemblyScript; do row "$language" "plugins/examples/built/${language,,}.wasm"; done
for language in JavaScript Python; do
  [ ! -f "target/examples/${language,,}.wasm" ] || row "$language" "target/examples/${language,,}.wasm"
done
