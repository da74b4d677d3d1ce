#!/usr/bin/env bash
# Builds the real supervisors and collectors that the tests drive, each from its pinned Go modules, into a cache outside
# the checkout where each program is keyed by its own pins. `build.sh` builds what is missing, `build.sh --where` only
# prints the places, a program and its path a line.
#
# The pins were resolved once with GONOSUMDB='github.com/open-telemetry/opentelemetry-collector-contrib/*' and
# go.opentelemetry.io/ebpf-profiler (some of these modules have no entry in the checksum database) and are held by go.sum
# since. The builder must not run `go mod tidy` or `download`: modules that only tests or Windows need cannot be had, and are
# not needed. A component that cannot be had in a collector's own version is pinned at the nearest one that compiles with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${LINKMESH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/linkmesh}
bin=$cache/interop
programs=(supervisor-0.158.0 collector-0.158.0 supervisor-0.149.0 collector-0.149.0)

place() { # PROGRAM
  local pins
  pins=$(cd "$here/$1" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16)
  echo "$bin/$1-$pins"
}
if [ "${1:-}" = --where ]; then
  for program in "${programs[@]}"; do echo "$program $(place "$program")"; done
  exit 0
fi

missing=()
for program in "${programs[@]}"; do [ -x "$(place "$program")" ] || missing+=("$program"); done
[ ${#missing[@]} -gt 0 ] || exit 0

mkdir -p "$bin"
exec 9>"$bin/lock"
flock 9
go=$("$here/../../../.dev/go")
GOROOT=$("$go" env GOROOT)
export PATH=$GOROOT/bin:$PATH GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 GONOSUMDB='github.com/open-telemetry/opentelemetry-collector-contrib/*'
work=$(mktemp -d "$bin/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

supervisor() { # FOLDER
  (cd "$1" && go build -trimpath -ldflags='-s -w' -o ../program github.com/open-telemetry/opentelemetry-collector-contrib/cmd/opampsupervisor)
}
collector() { # FOLDER VERSION
  (
    cd "$1"
    GOBIN=$work/builder-$2 go install "go.opentelemetry.io/collector/cmd/builder@v$2"
    "$work/builder-$2/builder" --config ocb.yaml --skip-compilation --skip-get-modules --skip-strict-versioning
    cp go.mod go.sum build/
    cd build
    go build -trimpath -ldflags='-s -w' -o ../../program .
  ) 2>&1 | { grep -vE '^go: downloading|\sINFO\s' || true; }
}
for program in "${missing[@]}"; do
  place=$(place "$program")
  # Somebody else may have built it while this waited for the lock.
  [ -x "$place" ] && continue
  echo "kit: building $program (minutes, once)"
  cp -r "$here/$program" "$work/$program"
  "${program%%-*}" "$work/$program" "${program#*-}"
  [ -x "$work/program" ]
  mv "$work/program" "$place"
done
