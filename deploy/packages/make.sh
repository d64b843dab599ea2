#!/usr/bin/env bash
# Makes what is given to people: for each platform a tarball and a .deb, with their checksums and an SBOM (CycloneDX).
#
#   make.sh [OUT]      OUT: artifacts/packages
#   PLATFORMS          "amd64 arm64 amd64-cuda" by default; cuda has ONNX Runtime's CUDA and TensorRT providers, for CUDA 13 and cuDNN 9
#   MAINTAINER         who answers for the .deb: NAME <ADDRESS>
#   SOURCE_DATE_EPOCH  the time of all files; that of the last commit by default
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../common.sh"
cd "$here/../.."
out=$(realpath -m "${1:-artifacts/packages}")
platforms=${PLATFORMS:-amd64 arm64 amd64-cuda}
maintainer=${MAINTAINER:-AstStream developers <aststream@example.org>}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
program=artifacts/aststream/aststream
[ -x "$program" ] || fail "build first: make build"
need_tool dpkg-deb dpkg "making the .deb"

version=$(dotnet msbuild src/AstStream.Worker -getProperty:Version)
grep -q "^## $version " CHANGELOG.md || fail "CHANGELOG.md says nothing of version $version, which Directory.Build.props has"
work=artifacts/packages-work # beside OUT: what is built is kept for the next time
rm -rf "$work/stage"
mkdir -p "$out" "$work/stage"
rm -f "$out"/aststream[-_]* "$out/SHA256SUMS"

# Debian's changelog, of the one that people read.
debian_changelog() {
  awk -v package="$1" -v maintainer="$maintainer" '
    function finish() { if (version != "") printf "\n -- %s  %s\n\n", maintainer, when }
    function item(text,    words, count, line, i) {
      count = split(text, words, " "); line = "  *"
      for (i = 1; i <= count; i++) {
        if (length(line) + length(words[i]) > 76) { print line; line = "   " }
        line = line " " words[i]
      }
      print line
    }
    /^## / { finish(); version = $2; command = "date -R -u -d " $4; command | getline when; close(command)
             printf "%s (%s) unstable; urgency=medium\n\n", package, version; next }
    version != "" && /^- / { item(substr($0, 3)) }
    END { finish() }' CHANGELOG.md
}

# publish PLATFORM FOLDER: the program with its own runtime. Its outputs are apart from those of a usual build.
publish() {
  local gpu=false rid
  case $1 in
    amd64) rid=linux-x64 ;;
    arm64) rid=linux-arm64 ;;
    amd64-cuda) rid=linux-x64 gpu=true ;;
    *) fail "PLATFORMS: found '$1'; expected amd64, arm64 or amd64-cuda" ;;
  esac
  say "building $version for $1"
  dotnet publish src/AstStream.Worker -c Release -r "$rid" --self-contained -p:AstStreamGpu=$gpu -p:PublishReadyToRun=true \
    -p:ContinuousIntegrationBuild=true -p:DebugType=none -p:DebugSymbols=false --artifacts-path "$work/build-$1" -o "$2" -v:q -nologo
  find "$2" \( -name '*.pdb' -o -name '*.xml' -o -name createdump -o -name 'libmscordaccore.so' -o -name 'libmscordbi.so' \) -delete
  find "$2" -type f -exec chmod 644 {} +
  chmod 755 "$2/aststream"
}

# deb PLATFORM PROGRAM: the package, of the published folder.
deb() {
  local package=aststream relations="Conflicts: aststream-cuda" root=$work/stage/deb-$1 arch=${1%-cuda} doc
  if [ "$1" != "$arch" ]; then package=aststream-cuda relations=$'Conflicts: aststream\nProvides: aststream'; fi
  doc=$root/usr/share/doc/$package
  mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/lib" "$root/lib/systemd/system" "$root/usr/lib/systemd/user" "$doc/examples" \
    "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
    "$root/usr/share/fish/vendor_completions.d" "$root/usr/share/lintian/overrides"
  cp -a "$2" "$root/usr/lib/aststream"
  rm "$root/usr/lib/aststream/LICENSE" # Debian has it
  ln -s ../lib/aststream/aststream "$root/usr/bin/aststream"
  cp deploy/systemd/system/aststream.service "$root/lib/systemd/system/"
  cp deploy/systemd/user/aststream.service "$root/usr/lib/systemd/user/"

  "$program" man "$root/usr/share/man/man1"
  gzip -9n "$root"/usr/share/man/man1/*
  "$program" completion bash > "$root/usr/share/bash-completion/completions/aststream"
  "$program" completion zsh > "$root/usr/share/zsh/vendor-completions/_aststream"
  "$program" completion fish > "$root/usr/share/fish/vendor_completions.d/aststream.fish"

  debian_changelog "$package" | gzip -9n > "$doc/changelog.gz"
  mv "$root/usr/lib/aststream/NOTICE" "$doc/NOTICE" && gzip -9n "$doc/NOTICE"
  sed "s/@PACKAGE@/$package/" "$here/debian/copyright" > "$doc/copyright"
  sed "s/@PACKAGE@/$package/" "$here/debian/lintian-overrides" > "$root/usr/share/lintian/overrides/$package"
  cp -r docs/*.md docs/getting-started "$doc/"
  cp pipelines/{microphone,station,kafka,edge}.yaml pipelines/demo.md deploy/common.sh deploy/demo-scene.sh "$doc/examples/"
  # The demo as one that has the package finds it: the scene beside it, and the package's own model.
  sed -e 's|\.\./artifacts/demo/||' -e '/^model:/,/^$/{/path:/d}' pipelines/demo.yaml > "$doc/examples/demo.yaml"
  sed -i -e 's|\.\./artifacts/demo/||' -e '/^model:/,/^$/{/path:/d}' "$doc/examples/station.yaml"
  chmod -R u=rwX,go=rX "$root"
  chmod 644 "$doc/examples/common.sh"

  sed -e "s/@PACKAGE@/$package/" -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$(du -sk "$root" | cut -f1)/" \
    -e "s/@MAINTAINER@/$maintainer/" -e "s/@RELATIONS@/${relations//$'\n'/\\n}/" "$here/debian/control" > "$root/DEBIAN/control"
  for script in postinst prerm postrm; do install -m 755 "$here/debian/$script" "$root/DEBIAN/$script"; done
  (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz -z6 --threads-max=2 --build "$root" "$out/${package}_${version}_$arch.deb" >/dev/null
}

for platform in $platforms; do
  name=aststream-$version-linux-$platform
  publish "$platform" "$work/stage/$name"
  say "packing $name.tar.gz"
  cp -r deploy/systemd "$work/stage/$name/systemd"
  tar -C "$work/stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" | gzip -9n > "$out/$name.tar.gz"
  rm -r "$work/stage/$name/systemd"
  say "packing the .deb"
  deb "$platform" "$work/stage/$name"
done

say "listing what is in them (SBOM)"
"$here/sbom.sh" "$version" "$out/aststream-$version.cdx.json"
(cd "$out" && sha256sum -- aststream[-_]* > SHA256SUMS)
rm -rf "$work/stage"
ls -l "$out"
