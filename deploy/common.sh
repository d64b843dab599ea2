# Shared by the set-up scripts: messages, the cache folder, and Debian packages on demand.

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Where built and downloaded things are kept between checkouts.
aststream_cache() { printf '%s' "${ASTSTREAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/aststream}"; }

# as_root COMMAND...: run as root, through sudo where that asks no password, or say what a person has to do.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; return; fi
  sudo -n true 2>/dev/null || fail "please run 'sudo $*', then this again"
  sudo -n "$@"
}

# apt_update: refresh the lists of Debian packages.
apt_update() { as_root apt-get update -qq || fail "apt-get update failed; check the network and /etc/apt/sources.list"; }

# apt_install PACKAGE...: install from Debian.
apt_install() {
  command -v apt-get >/dev/null || fail "please install $*: this script knows only Debian's apt-get"
  [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || fail "please run 'sudo apt-get update && sudo apt-get install $*', then this again"
  say "installing $* from Debian"
  apt_update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    fail "apt-get could not install $*; see its message above"
}

# need_tool COMMAND PACKAGE WHY: make sure that a command is there.
need_tool() {
  command -v "$1" >/dev/null && return
  say "$1 is missing and needed for $3"
  apt_install "$2"
  command -v "$1" >/dev/null || fail "$1 is still missing after installing $2"
}

# unpack PACKAGE CACHE INTO: put the files of a Debian package under INTO, without installing it; it is fetched once, into CACHE.
unpack() {
  local deb folder why
  deb=$(compgen -G "$2/$1_*.deb" | tail -1 || true)
  if [ -z "$deb" ]; then
    say "downloading $1"
    mkdir -p "$2"
    folder=$(mktemp -d "$2/part.XXXXXX")
    if ! (cd "$folder" && apt-get -qq download "$1" 2>apt.log); then
      apt_update
      (cd "$folder" && apt-get -qq download "$1" 2>apt.log) || { why=$(grep '^E:' "$folder/apt.log" | head -1); rm -r "$folder"; fail "apt-get can't download $1: $why"; }
    fi
    mv "$folder/$1"_*.deb "$2/"
    rm -r "$folder"
    deb=$(compgen -G "$2/$1_*.deb" | tail -1)
  fi
  dpkg -x "$deb" "$3" || { rm -f "$deb"; fail "can't unpack $deb; it was removed, try again"; }
}
