#!/usr/bin/env bash
# Makes a folder with `merit plugin new` in every language, and does in it what its README.md says, word by word, but for
# publishing. What has no tools here is named and left out.
#
#   plugins/examples/new.sh                 all languages
#   plugins/examples/new.sh rust c …        these
#
# MERIT names the binary, else it is built. Tools that build.sh has installed are used.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
languages=("$@")
[ $# -gt 0 ] || languages=(rust c assemblyscript js python formula)
if [ -z "${MERIT:-}" ]; then
  cargo build --locked --quiet --bin merit
  MERIT=$root/target/debug/merit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the commands are called where they are documented.
mkdir "$work/bin"
ln -s "$(realpath "$MERIT")" "$work/bin/merit"
for tool in clang wasm-ld; do
  found=$(command -v "$tool" || command -v "$tool-14" || true)
  [ -z "$found" ] || ln -s "$found" "$work/bin/$tool"
done
sysroot=$(dirname "$(dirname "$(rustup which rustc)")")
if [ ! -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] && [ -d /usr/lib/rustlib/src/rust ]; then
  # Debian's compiler and library, as in build.sh: there is no target to add, and the documented command stays as it is.
  linkers=$(echo "$sysroot"/lib/rustlib/*/bin)
  ln -s "$(command -v true)" "$work/bin/rustup"
  export RUSTC_FOR_WASM=/usr/bin/rustc
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linkers/wasm-component-ld
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Clinker-flavor=wasm-ld -Clink-arg=--wasm-ld-path=$linkers/gcc-ld/wasm-ld"
fi
export PATH="$work/bin:$PATH"

missing() {
  case $1 in
    c) command -v clang > /dev/null && command -v wasm-ld > /dev/null || echo "clang and wasm-ld" ;;
    js | assemblyscript) command -v npm > /dev/null || echo npm ;;
    python) command -v python3 > /dev/null || echo python3 ;;
    rust) [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] || [ -n "${RUSTC_FOR_WASM:-}" ] || echo "a Rust for wasm32-unknown-unknown" ;;
  esac
}

for language in "${languages[@]}"; do
  lacking=$(missing "$language")
  if [ -n "$lacking" ]; then
    echo "new.sh: left out, for want of $lacking: $language"
    continue
  fi
  name=try-$language
  merit plugin new --lang "$language" --directory "$work" "$name"
  # The lines of the README's block of commands; publishing needs a server.
  sed -n '/^```$/,/^```$/p' "$work/$name/README.md" | grep -v -e '^```' -e 'merit plugin publish' > "$work/$name.sh"
  [ -s "$work/$name.sh" ] || { echo "new.sh: the README of $language has no commands"; exit 1; }
  (
    cd "$work/$name"
    if [ "$language" = rust ] && [ -n "${RUSTC_FOR_WASM:-}" ]; then
      export RUSTC=$RUSTC_FOR_WASM RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=core,alloc
    fi
    bash -euo pipefail "../$name.sh" > "../$name.log" 2>&1
  ) || { cat "$work/$name.log"; echo "new.sh: what merit plugin new makes for $language does not build or pass"; exit 1; }
  grep -E ' cases?, ' "$work/$name.log"
done
