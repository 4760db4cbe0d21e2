# What ./run and ./test share: installing packages, configuring and building, told briefly on stderr.
# Sourced by bash under `set -euo pipefail`; $root is the folder of the repository.

build_packages=(g++ cmake ninja-build ccache mold
                libexpected-dev nlohmann-json3-dev libcli11-dev libfmt-dev libedit-dev
                libasio-dev libssl-dev libsqlitecpp-dev libsqlite3-dev libsodium-dev prometheus-cpp-dev)
# Whoever has node from elsewhere has its npm, which Debian's would not go with.
command -v node >/dev/null && command -v npm >/dev/null || build_packages+=(nodejs npm)

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# quietly LOG COMMAND...: the output goes to LOG, and its end to stderr if the command fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 40 "$log" >&2
  return 1
}

# install_missing PACKAGE...: asks apt for those that are not installed.
install_missing() {
  local package present missing=() as_root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    for package in g++ cmake ninja; do
      command -v "$package" >/dev/null ||
        die "This is not Debian or a relative of it. Install what these packages of Debian 12 hold, then try again:" "$@"
    done
    return
  fi
  present=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$present" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      die "Some packages are missing. As root: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  quietly "$root/build/packages.log" ${as_root[@]+"${as_root[@]}"} sh -c '
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"' apt "${missing[@]}" ||
    die "The packages could not be installed. As root: apt-get install --no-install-recommends ${missing[*]}"
}

# is_configured PRESET: the build folder is complete and belongs to this source folder.
is_configured() {
  [ -f "$root/build/$1/build.ninja" ] &&
    grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/$1/CMakeCache.txt"
}

# configure PRESET [CMAKE_ARGUMENT...]
configure() {
  local preset=$1 fresh=()
  is_configured "$preset" || fresh=(--fresh)
  (cd "$root" && quietly "build/$preset.configure.log" cmake ${fresh[@]+"${fresh[@]}"} --preset "$@") ||
    die "build/$preset could not be configured (build/$preset.configure.log)"
}

# show_progress NAME: ninja's output becomes one line that counts up; a build with nothing to do shows none.
show_progress() {
  local line started=
  while IFS= read -r line; do
    case $line in
      *'Re-checking globbed directories'*) ;;
      '['*/*']'*)
        if [ -t 2 ]; then
          printf '\r\033[Kbuilding %s %s' "$1" "${line%%]*}]" >&2
        elif [ -z "$started" ]; then
          say "building $1"
        fi
        started=yes ;;
    esac
  done
  if [ -n "$started" ] && [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

# build PRESET [TARGET...]: fails with the compiler's words on stderr.
build() {
  local preset=$1 log=$root/build/$1.build.log
  shift
  if NINJA_STATUS='[%f/%t] ' ninja -C "$root/build/$preset" "$@" 2>&1 </dev/null | tee "$log" | show_progress "$preset"; then
    return
  fi
  { grep -q '^FAILED' "$log" && sed -n '/^FAILED/,$p' "$log" || tail -n 20 "$log"; } | head -n 60 >&2
  say "build/$preset could not be built ($log)"
  return 1
}
