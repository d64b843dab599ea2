#!/usr/bin/env bash
# Restores the NuGet packages, as the lock files say.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"

command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: see https://dotnet.microsoft.com/download"
cd "$here/.."
dotnet --version >/dev/null || fail "no installed .NET SDK satisfies global.json; install a .NET 10 SDK"

say "restoring packages"
dotnet restore AstStream.sln --locked-mode -v:q -nologo || fail "restore failed; see above"
