# shellcheck shell=bash disable=SC2034,SC2154
# What the scripts share; sourced, not run. Everything runs from the repository's root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cannot_run=3

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' red='' green='' plain=''
fi

say() { printf '%s\n' "${bold}$*${plain}"; }

# die MESSAGE...: one line, and the exit code for "could not run".
die() {
  printf '%s\n' "${red}${0##*/}: $*${plain}" >&2
  exit "$cannot_run"
}

# release_of_this_machine: its codename: bookworm, trixie, noble. Derivatives go by what they are made from.
release_of_this_machine() { (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME-}"); }

# packages_for KIND [RELEASE]: the names that scripts/packages lists for all, and the ones that only KIND needs (test, bench), on this
# release or that one.
packages_for() {
  awk -v kind="$1" -v release="${2-$(release_of_this_machine)}" '
    /^#/ { next }
    NF == 2 && $1 != kind { next }
    { split($NF, name, "@") }
    name[2] == "" || name[2] == release { print name[1] }' "$root/scripts/packages"
}

missing_packages() {
  local package
  for package in $(packages_for "$1"); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
  done
}

# install_packages KIND: installs by apt what is missing, as root or with sudo; dies saying what is missing if it cannot.
install_packages() {
  local missing sudo=()
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "No apt here: taking it that these are installed: $(packages_for "$1" | xargs)"
    return
  fi
  missing=$(missing_packages "$1" | xargs)
  [[ -n $missing ]] || return 0
  if ((EUID != 0)); then
    sudo=(sudo)
    [[ -t 0 ]] || sudo=(sudo -n)
    command -v sudo >/dev/null || die "missing packages, and no root or sudo to install them: $missing"
  fi
  say "Installing: $missing"
  # shellcheck disable=SC2086  # a list of words
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get -qq update && apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@"' sh $missing >/dev/null ||
    die "missing packages that could not be installed: $missing"
}

# build PRESET [TARGET...]: configures and builds into build/PRESET.
build() {
  local preset=$1
  shift
  if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
    # Without these it keeps nothing that has precompiled headers.
    export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS-pch_defines,time_macros}
  fi
  cmake --preset "$preset" >/dev/null || return
  cmake --build --preset "$preset" ${1+--target "$@"}
}
