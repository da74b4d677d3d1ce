#!/usr/bin/env bash
# Builds the real supervisors and collectors that the tests drive, each from its pinned Go modules, into a cache outside
# the checkout that is keyed by the pins. `build.sh` builds what is missing, `build.sh --where` only prints the place.
#
# The pins were resolved once with GONOSUMDB='github.com/open-telemetry/opentelemetry-collector-contrib/*' (some of these
# modules have no entry in the checksum database) and are held by go.sum since. The builder must not run `go mod tidy` or
# `download`: modules that only tests or Windows need cannot be had, and are not needed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${LINKMESH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/linkmesh}
pins=$(cd "$here" && find . -mindepth 2 -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16)
bin=$cache/interop/$pins
if [ "${1:-}" = --where ]; then
  echo "$bin"
  exit 0
fi
versions=(0.158.0 0.149.0)

complete() {
  local version
  for version in "${versions[@]}"; do
    [ -x "$bin/opampsupervisor-$version" ] && [ -x "$bin/otelcol-$version" ] || return 1
  done
}
complete && exit 0

mkdir -p "$bin"
exec 9>"$bin/lock"
flock 9
go=$("$here/../../../.dev/go")
GOROOT=$("$go" env GOROOT)
export PATH=$GOROOT/bin:$PATH GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 GONOSUMDB='github.com/open-telemetry/opentelemetry-collector-contrib/*'
work=$(mktemp -d "$bin/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

supervisor() { # VERSION
  [ -x "$bin/opampsupervisor-$1" ] && return
  echo "kit: building opampsupervisor $1"
  cp -r "$here/supervisor-$1" "$work/supervisor-$1"
  (cd "$work/supervisor-$1" && go build -trimpath -ldflags='-s -w' -o "$work/opampsupervisor-$1" \
    github.com/open-telemetry/opentelemetry-collector-contrib/cmd/opampsupervisor)
  mv "$work/opampsupervisor-$1" "$bin/"
}
collector() { # VERSION
  [ -x "$bin/otelcol-$1" ] && return
  echo "kit: building otelcol $1 (minutes, once)"
  cp -r "$here/collector-$1" "$work/collector-$1"
  (
    cd "$work/collector-$1"
    GOBIN=$work/builder-$1 go install "go.opentelemetry.io/collector/cmd/builder@v$1"
    "$work/builder-$1/builder" --config ocb.yaml --skip-compilation --skip-get-modules --skip-strict-versioning
    cp go.mod go.sum build/
    cd build
    go build -trimpath -ldflags='-s -w' -o "$work/otelcol-$1" .
  ) 2>&1 | { grep -vE '^go: downloading|\sINFO\s' || true; }
  [ -x "$work/otelcol-$1" ]
  mv "$work/otelcol-$1" "$bin/"
}
for version in "${versions[@]}"; do
  supervisor "$version"
  collector "$version"
done
complete
