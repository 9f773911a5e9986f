#!/usr/bin/env bash
# Builds the standard plugins into plugins/standard/built/, with a record of what they were built from.
#
#   plugins/standard/build.sh           builds, and replaces what is there
#   plugins/standard/build.sh --check   builds elsewhere, and compares: the shipped components have to be the build of
#                                       their sources, byte by byte, where the compiler is the recorded one
#
# Needs a Rust that can build for wasm32-unknown-unknown: either `rustup target add wasm32-unknown-unknown`, or Debian's
# packages rustc-web and rust-web-src.
set -euo pipefail
cd "$(dirname "$0")/../.."
plugins=(formula matrix milestone_bonus pool_share ranking threshold_bonus tiered_commission weighted_scorecard)
built=plugins/standard/built
target=$PWD/target/plugins
destination=$built
[ "${1:-}" = --check ] && destination=$(mktemp -d)
mkdir -p "$destination"

sources() {
  find plugins/expression/src plugins/sdk/src plugins/wit plugins/standard/*/src -type f \
    \( -name '*.rs' -o -name '*.wit' \) ! -name tests.rs ! -path '*/tests/*'
  ls plugins/expression/Cargo.toml plugins/sdk/Cargo.toml plugins/standard/*/Cargo.toml
}

cargo fetch --locked --quiet
# Paths of this machine would make the bytes differ from those of another.
flags="--remap-path-prefix=$PWD=."
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do flags="$flags --remap-path-prefix=$registry=crates"; done
packages=()
for plugin in "${plugins[@]}"; do packages+=(-p "merit-plugin-${plugin//_/-}"); done
build=(cargo build --locked --profile plugin --target wasm32-unknown-unknown --target-dir "$target" "${packages[@]}")

sysroot=$(dirname "$(dirname "$(rustup which rustc)")")
linkers=$(echo "$sysroot"/lib/rustlib/*/bin)
recorded=$(cat "$built/COMPILER")
debian=
[ ! -x /usr/bin/rustc ] || [ -z "$(find /usr/lib/rustlib /usr/src/ -path '*library/core/Cargo.toml' 2>/dev/null | head -1)" ] ||
  debian=$(/usr/bin/rustc --version)
# Where both could, the compiler of the record builds: its bytes can be compared.
if [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] && [ "$debian" != "$recorded" ]; then
  compiler=$(rustc --version)
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linkers/wasm-component-ld
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags -Clinker-flavor=wasm-ld -Clink-arg=--wasm-ld-path=$linkers/gcc-ld/wasm-ld"
  "${build[@]}"
elif [ -n "$debian" ]; then
  compiler=$debian
  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linkers/wasm-component-ld \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags --remap-path-prefix=/usr/lib/rustlib/src/rust=rust -Zlocation-detail=none -Clinker-flavor=wasm-ld -Clink-arg=--wasm-ld-path=$linkers/gcc-ld/wasm-ld" \
    "${build[@]}" -Zbuild-std=core,alloc
else
  echo "build.sh: no Rust here builds for wasm32-unknown-unknown." >&2
  echo "Type 'rustup target add wasm32-unknown-unknown', or on Debian 'apt-get install rustc-web rust-web-src'." >&2
  exit 1
fi

for plugin in "${plugins[@]}"; do
  cp "$target/wasm32-unknown-unknown/plugin/merit_plugin_$plugin.wasm" "$destination/$plugin.wasm"
done

if [ "$destination" != "$built" ]; then
  if [ "$compiler" != "$recorded" ]; then
    echo "build.sh: built, but the bytes cannot be compared: they are of '$recorded', here is '$compiler'."
    exit 0
  fi
  for plugin in "${plugins[@]}"; do
    cmp "$destination/$plugin.wasm" "$built/$plugin.wasm"
  done
  echo "build.sh: the ${#plugins[@]} shipped components are the build of their sources."
  exit 0
fi

echo "$compiler" > "$built/COMPILER"
cargo tree --locked "${packages[@]}" --target wasm32-unknown-unknown -e normal --prefix none --no-dedupe |
  sed -n 's/^\([^ ]*\) v\([^ ]*\)\( (proc-macro)\)\?$/\1 \2/p' | sort -u > "$built/DEPENDENCIES"
sources | LC_ALL=C sort | xargs sha256sum > "$built/SOURCES.sha256"
(cd "$built" && LC_ALL=C ls -- *.wasm | xargs sha256sum > COMPONENTS.sha256)
ls -l "$built"
