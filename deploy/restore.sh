#!/usr/bin/env bash
# Restores the NuGet packages. Where this machine's sources lack some, makes them (deploy/feed) and restores again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"

command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: see https://dotnet.microsoft.com/download"
cd "$here/.."
dotnet --version >/dev/null || fail "no installed .NET SDK satisfies global.json; install a .NET 10 SDK"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
say "restoring packages"
if ! dotnet restore AstStream.sln -v:q -nologo >"$log" 2>&1; then
  # NU1101, NU1102, NU1103, NU1603: a source has no such package, or not this version of it.
  grep -qE 'error NU(110[123]|1603)' "$log" || { cat "$log" >&2; fail "restore failed; see above"; }
  say "this machine's NuGet sources lack some packages; making them (once a machine)"
  "$here/feed/build.sh"
  dotnet restore AstStream.sln -v:q -nologo >"$log" 2>&1 || { cat "$log" >&2; fail "restore failed; see above"; }
fi
