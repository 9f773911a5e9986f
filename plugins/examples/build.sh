#!/usr/bin/env bash
# Builds the examples: the same commission in five languages. The small ones (Rust, C, AssemblyScript) go to
# plugins/examples/built/, which is checked in with a record of their sources; the ones with an interpreter in them
# (JavaScript 1.7 MB, Python 18 MB) to target/examples/, and with them those that get everything wrong (mistakes/).
#
#   plugins/examples/build.sh            builds what can be built here, and says what cannot
#   plugins/examples/build.sh --all      installs the tools that are missing (apt, npm, pip), and builds all
#   plugins/examples/build.sh --check    builds all, and compares the small ones with what is checked in
#
# `merit plugin build` packs the modules: MERIT names the binary, else it is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
mode=${1:-}
tools=$root/target/ci/examples
large=$root/target/examples
small=$root/plugins/examples/built
[ "$mode" = --check ] && small=$(mktemp -d)
mkdir -p "$tools" "$large" "$small"

if [ -z "${MERIT:-}" ]; then
  cargo build --locked --quiet --bin merit
  MERIT=$root/target/debug/merit
fi
pack() { "$MERIT" plugin build "$1" --output "$2"; }
missing() { echo "build.sh: not built, for want of $1: $2"; }

if [ -n "$mode" ]; then
  if ! command -v clang-14 > /dev/null || ! command -v wasm-ld-14 > /dev/null; then
    install=(apt-get install -qq -y --no-install-recommends clang-14 lld-14)
    "${install[@]}" > "$tools/apt.log" || { apt-get update -qq && "${install[@]}" > "$tools/apt.log"; }
  fi
  [ -x "$tools/node_modules/.bin/asc" ] && [ -x "$tools/node_modules/.bin/componentize-qjs" ] ||
    npm install --silent --no-fund --no-audit --prefix "$tools" assemblyscript@0.28.20 componentize-qjs@0.4.5 > "$tools/npm.log"
  if [ ! -x "$tools/python/bin/componentize-py" ]; then
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet -r plugins/examples/python/requirements.txt
  fi
fi

# --- C
if command -v clang-14 > /dev/null && command -v wasm-ld-14 > /dev/null; then
  clang-14 --target=wasm32 -mbulk-memory -O3 -nostdlib -Wall -Werror -Wl,--no-entry -Wl,-s \
    plugins/examples/c/plugin.c -o "$large/c.module.wasm"
  pack "$large/c.module.wasm" "$small/c.wasm"
else
  missing "clang-14 and lld-14" C
fi

# --- AssemblyScript
if [ -x "$tools/node_modules/.bin/asc" ]; then
  (cd plugins/examples/assemblyscript &&
    "$tools/node_modules/.bin/asc" plugin.ts -O3 --noAssert --runtime stub --use abort= -o "$large/assemblyscript.module.wasm")
  pack "$large/assemblyscript.module.wasm" "$small/assemblyscript.wasm"
else
  missing assemblyscript AssemblyScript
fi

# --- Rust, as the standard plugins are built
sysroot=$(dirname "$(dirname "$(rustup which rustc)")")
linkers=$(echo "$sysroot"/lib/rustlib/*/bin)
flags="--remap-path-prefix=$root=."
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do flags="$flags --remap-path-prefix=$registry=crates"; done
rust=(cargo build --locked --quiet --release --manifest-path plugins/examples/rust/Cargo.toml
  --target wasm32-unknown-unknown --target-dir "$root/target/plugins-examples")
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linkers/wasm-component-ld
rust_built=yes
# Where both could, the compiler builds that builds the standard plugins.
debian=
[ ! -x /usr/bin/rustc ] || [ ! -d /usr/lib/rustlib/src/rust ] || debian=$(/usr/bin/rustc --version)
if [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] && [ "$debian" != "$(cat plugins/standard/built/COMPILER)" ]; then
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags -Clinker-flavor=wasm-ld -Clink-arg=--wasm-ld-path=$linkers/gcc-ld/wasm-ld" "${rust[@]}"
elif [ -n "$debian" ]; then
  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags --remap-path-prefix=/usr/lib/rustlib/src/rust=rust -Zlocation-detail=none -Clinker-flavor=wasm-ld -Clink-arg=--wasm-ld-path=$linkers/gcc-ld/wasm-ld" \
    "${rust[@]}" -Zbuild-std=core,alloc
else
  rust_built=
  missing "a Rust for wasm32-unknown-unknown (rustup target add, or Debian's rustc-web and rust-web-src)" Rust
fi
[ -z "$rust_built" ] ||
  pack "$root/target/plugins-examples/wasm32-unknown-unknown/release/commission.wasm" "$small/rust.wasm"

# --- JavaScript and Python, with their interpreters
wit=$large/wit
mkdir -p "$wit" && cp plugins/wit/1.0.0/scoring.wit "$wit/"
# Of a folder: the example, or the mistakes.
javascript() {
  "$tools/node_modules/.bin/componentize-qjs" --wit "$wit" --js "plugins/examples/$1/plugin.js" --module-root plugins/examples \
    --sync --stub-wasi -o "$large/$2.wasm" > "$tools/qjs.log"
}
python() {
  (cd "plugins/examples/$1" && PYTHONDONTWRITEBYTECODE=1 "$tools/python/bin/componentize-py" -d "$wit" -w scoring \
    componentize --stub-wasi -p . -p ../python app -o "$large/$2.wasm" > "$tools/py.log")
}
if [ -x "$tools/node_modules/.bin/componentize-qjs" ]; then
  javascript javascript javascript
  javascript mistakes javascript_mistakes
else
  missing componentize-qjs JavaScript
fi
if [ -x "$tools/python/bin/componentize-py" ]; then
  python python python
  python mistakes python_mistakes
else
  missing componentize-py Python
fi

sources() {
  ls plugins/examples/c/plugin.c plugins/examples/c/merit.h plugins/examples/assemblyscript/*.ts \
    plugins/examples/rust/Cargo.toml plugins/examples/rust/Cargo.lock plugins/examples/rust/src/*.rs
}
if [ "$mode" = --check ]; then
  for language in assemblyscript c; do cmp "$small/$language.wasm" "plugins/examples/built/$language.wasm"; done
  # The bytes of Rust's depend on the compiler's version, which Debian moves.
  "$MERIT" plugin test "$small/rust.wasm" plugins/examples/cases.toml
  echo "build.sh: the examples are the build of their sources."
  exit 0
fi
sources | LC_ALL=C sort | xargs sha256sum > "$small/SOURCES.sha256"
(cd "$small" && LC_ALL=C ls -- *.wasm | xargs sha256sum > COMPONENTS.sha256)
ls -l "$small" "$large"
