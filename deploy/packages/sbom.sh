#!/usr/bin/env bash
# sbom.sh VERSION OUT.json: what the program is made of, as CycloneDX: its NuGet packages as they were restored, and what comes in no package
# (sbom-more.json). A part without a licence is an error.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../common.sh"
cd "$here/../.."
need_tool jq jq "the SBOM"
[ $# -eq 2 ] || fail "usage: sbom.sh VERSION OUT.json"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dotnet tool restore >/dev/null || fail "dotnet tool restore failed; see above"
dotnet tool run dotnet-CycloneDX src/AstStream.Worker/AstStream.Worker.csproj --disable-package-restore --exclude-dev \
  --no-serial-number --set-name aststream --set-version "$1" --output-format Json -o "$scratch" -fn sbom.json >"$scratch/log" ||
  fail "the SBOM can't be made: $(tail -1 "$scratch/log")"
runtime=$(dotnet --list-runtimes | awk '/^Microsoft.AspNetCore.App 10/ { version = $2 } END { print version }')
jq --slurpfile more "$here/sbom-more.json" --arg runtime "$runtime" \
  --arg time "$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%FT%TZ)" '
  $more[0] as $more
  | .metadata.timestamp = $time
  | .components |= (map(select(.name | startswith("Microsoft.CodeAnalysis") | not)
      | if $more.licences[.name] then .licenses = [{expression: $more.licences[.name]}] else . end)
      + ($more.components | map(if .version == "@RUNTIME@" then .version = $runtime else . end)))' "$scratch/sbom.json" > "$2"
missing=$(jq -r '.components[] | select((.licenses // []) | length == 0) | .name' "$2")
[ -z "$missing" ] || fail "no licence is known of ${missing//$'\n'/, }: add it to deploy/packages/sbom-more.json and NOTICE"
