#!/usr/bin/env bash
# trial.sh DEB: does the package what it should on a clean Debian 12? It is installed, the demo runs, the unit is started by a real systemd,
# and it is upgraded, removed and purged. By hand, as root: it needs debootstrap and systemd-nspawn, and fetches 250 MB once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../common.sh"
[ $# -eq 1 ] && [ -f "$1" ] || fail "usage: trial.sh artifacts/packages/aststream_VERSION_ARCH.deb"
[ "$(id -u)" -eq 0 ] || fail "a machine of its own is made and started: run it as root"
need_tool debootstrap debootstrap "a clean Debian"
need_tool systemd-nspawn systemd-container "running it"

base=$(aststream_cache)/debian-12
work=$(mktemp -d /var/tmp/aststream-trial.XXXXXX)
root=$work/root
booted=
finish() {
  if [ -n "$booted" ]; then kill -RTMIN+4 "$booted" 2>/dev/null || true; wait "$nspawn" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
if [ ! -d "$base" ]; then
  say "making a clean Debian 12"
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,curl bookworm "$base.part" >"$work/log" || fail "debootstrap failed: $(tail -1 "$work/log")"
  mv "$base.part" "$base"
fi
cp -a "$base" "$root"
cp --remove-destination -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/hosts "$root/etc/hosts"
cp "$1" "$root/srv/aststream.deb"

apart() { systemd-nspawn -q -D "$root" --register=no --keep-unit --console=pipe "$@" 2> >(grep -v 'Attempted to remove' >&2); }
say "installing"
apart sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq /srv/aststream.deb sox libsox-fmt-base >/srv/log 2>&1' ||
  { tail "$root/srv/log"; fail "it does not install"; }
say "running the demo"
apart sh -c 'cp -r /usr/share/doc/aststream/examples /srv/demo && cd /srv/demo && ./demo-scene.sh scene.wav && aststream run demo.yaml' 2>&1 | tee "$work/demo"
grep -q "Toilet flush" "$work/demo" || fail "the demo did not hear what is in it"

say "starting the unit under systemd"
systemd-nspawn -q -b -D "$root" --register=no --keep-unit --console=pipe >"$work/boot" 2>&1 &
nspawn=$!
for _ in $(seq 100); do
  booted=$(pgrep -P "$nspawn" || true)
  if [ -n "$booted" ] && [[ "$(nsenter -t "$booted" -a systemctl is-system-running 2>/dev/null || true)" =~ running|degraded ]]; then break; fi
  sleep 0.3
done
[ -n "$booted" ] || fail "it does not boot: $(tail -3 "$work/boot")"
inside() { nsenter -t "$booted" -a "$@"; }
state() { inside systemctl show aststream -p ActiveState -p SubState -p NRestarts --value | tr '\n' ' '; }
[ "$(inside systemctl is-enabled aststream || true)" = disabled ] || fail "it is enabled before anybody asked for it"
inside sh -c 'mkdir -p /etc/aststream && cat > /etc/aststream/pipeline.yaml' <<'YAML'
sources: {scene: {type: file, path: /srv/demo/scene.wav, pace: realtime}}
model: {hop: 1s}
station: {data: /var/lib/aststream/station}
sinks: {log: {type: jsonl, path: /var/lib/aststream/events.jsonl}}
YAML
inside systemctl enable --now -q aststream || { inside journalctl -u aststream -n 20 --no-pager; fail "the unit does not start"; }
say "the unit: $(state); exposed by $(inside systemd-analyze security aststream --no-pager | tail -1 | sed 's/.*: //')"
sleep 25
inside curl -sf http://127.0.0.1:8765/health/ready || fail "the page does not answer"
echo
inside grep -m1 -o '"event_label":"[^"]*"' /var/lib/private/aststream/events.jsonl || fail "nothing was heard in 25 s"

say "upgrading"
mkdir "$work/next" && dpkg-deb -R "$1" "$work/next"
sed -i 's/^Version: .*/&.1/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$work/next" "$root/srv/next.deb" >/dev/null
before=$(inside systemctl show aststream -p MainPID --value)
inside dpkg -i /srv/next.deb >/dev/null
[ "$(inside systemctl is-active aststream)" = active ] || fail "it does not run after an upgrade"
[ "$(inside systemctl show aststream -p MainPID --value)" != "$before" ] || fail "the old program still runs after an upgrade"

say "removing and purging"
inside dpkg -r aststream >/dev/null
[ "$(inside systemctl is-active aststream || true)" != active ] || fail "it runs after it was removed"
[ -d "$root/var/lib/private/aststream" ] || fail "what it kept is gone with the program, before a purge"
inside dpkg -P aststream >/dev/null 2>&1
left=$(find "$root" -xdev -name '*aststream*' -not -path "*/srv/*.deb" -not -path '*/var/lib/apt/*' -not -path "*/.cache/*" \
  -not -path '*/var/lib/systemd/timers/*' -not -path '*/srv/demo/*' | sed "s|^$root||")
[ -z "$left" ] || fail "left after a purge: ${left//$'\n'/, }"
say "all is well"
