#!/bin/bash
# Puts one fault after another into a copy of the sources, builds it, and runs the tests that must notice. Prints the faults that survive.
#   run.sh [PATTERN]   only the faults whose names match a pattern
# A fault that can't be put in, as its text is not there exactly once, is an error: the list is to be kept up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."
most=2 # faults that may survive
only=${1:-}
copy=artifacts/mutants

rm -rf "$copy"
mkdir -p artifacts
git clone -q . "$copy"
(cd "$copy" && dotnet restore AstStream.sln -v:q -nologo && dotnet build AstStream.sln --no-restore -c Release -v:q -nologo)

total=0
survivors=()
errors=()
mapfile -t faults <"$copy/deploy/mutants/faults.tsv"
for fault in "${faults[@]}"; do
    IFS=$'\t' read -r name file from to filter <<<"$fault"
    [[ $name == '#'* || -z $name || ($only && ! $name =~ $only) ]] && continue
    total=$((total + 1))
    file=$(cd "$copy" && git ls-files "src/**/$file")
    if [[ ! -f $copy/$file ]]; then
        errors+=("$name: there is not exactly one such file: ${file:-none}")
        continue
    fi
    if [[ $(grep -cF -- "$from" "$copy/$file") != 1 ]]; then
        errors+=("$name: '$from' is not on one line of $file")
        continue
    fi
    FROM=$from TO=$to perl -pi -e 's/\Q$ENV{FROM}\E/$ENV{TO}/' "$copy/$file"
    project=tests/AstStream.Tests
    [[ $filter == Gpu:* ]] && project=tests/AstStream.GpuTests filter=${filter#Gpu:}
    tests=$(sed 's/|/|FullyQualifiedName~./g; s/^/FullyQualifiedName~./' <<<"$filter")
    if ! (cd "$copy" && dotnet build "$project" --no-restore -c Release -v:q -nologo >build.log 2>&1); then
        errors+=("$name: does not build: $(grep -m1 -o 'error .*' "$copy/build.log" || true)")
    elif (cd "$copy" && timeout 300 dotnet test "$project" --no-build -c Release -v:q -nologo --filter "$tests" >test.log 2>&1); then
        survivors+=("$name")
        echo "survives  $name"
    elif grep -q 'No test matches' "$copy/test.log"; then
        errors+=("$name: no test matches $filter")
    else
        echo "noticed   $name"
    fi
    (cd "$copy" && git checkout -q -- "$file")
done

for error in "${errors[@]+"${errors[@]}"}"; do
    echo "error     $error" >&2
done
echo "$total faults, ${#survivors[@]} survive$([[ ${#survivors[@]} == 0 ]] || printf ': %s' "$(IFS=';'; echo "${survivors[*]}")")"
[[ ${#survivors[@]} -le $most && ${#errors[@]} == 0 && $total -gt 0 ]]
