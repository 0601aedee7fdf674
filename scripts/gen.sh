#!/usr/bin/env bash
# Everything that is generated from proto/: the types of messages and services, the schemas for the codec, the tables of names.
# usage: scripts/gen.sh [types DIR | --check]    (without arguments: types src/gen; --check only compares)
set -euo pipefail
cd "$(dirname "$0")/.."

# What the command-line programs and the client library speak; the rest would only cost them start-up time.
CLIENT_TYPES=(
  containerd.services.{containers.v1.Containers,content.v1.Content,events.v1.Events,images.v1.Images}
  containerd.services.{introspection.v1.Introspection,leases.v1.Leases,namespaces.v1.Namespaces}
  containerd.services.{snapshots.v1.Snapshots,streaming.v1.Streaming,tasks.v1.Tasks,transfer.v1.Transfer,version.v1.Version}
  containerd.services.diff.v1.Diff
  containerd.services.streaming.v1.StreamInit
  containerd.types.transfer.{OCIRegistry,ImageStore,ImageImportStream,ImageExportStream,Progress,Data,WindowUpdate}
  containerd.types.transfer.{AuthRequest,AuthResponse}
  wharfd.types.transfer.v1.ContentStore
  containerd.services.images.v1.{ImageCreate,ImageUpdate,ImageDelete}
  containerd.events.{ContainerCreate,ContainerUpdate,ContainerDelete,ContentCreate,ContentDelete}
  containerd.events.{NamespaceCreate,NamespaceUpdate,NamespaceDelete}
  containerd.events.{SnapshotPrepare,SnapshotCommit,SnapshotRemove}
  containerd.events.Task{Create,Start,Delete,IO,Exit,OOM,ExecAdded,ExecStarted,Paused,Resumed,Checkpointed}
  io.containerd.cgroups.{v1,v2}.Metrics
  containerd.runc.v1.Options wharfd.services.execution.v1.ExecAudit wharfd.services.execution.v1.HealthChanged
)

generate() {
  local target=$1 work out
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  out=$work/gen
  mapfile -t files < <(cd proto && find . -name '*.proto' -printf '%P\n' | LC_ALL=C sort)
  node_modules/.bin/proto-loader-gen-types --keepCase --longs=String --enums=String --defaults --oneofs \
    --importFileExtension=.js -I proto -O "$out" "${files[@]}" >"$work/log"
  # One overview a .proto file, named like it and so overwriting each other; tables.ts stands for them all.
  find "$out" -maxdepth 1 -name '*.ts' -delete
  # Types of descriptor.proto come with other field names than the schema has, and nobody needs them.
  find "$out/google/protobuf" -name '*.ts' ! -name Any.ts ! -name Empty.ts ! -name FieldMask.ts ! -name Timestamp.ts -delete

  node_modules/.bin/buf build --as-file-descriptor-set --exclude-source-info -o "$work/whole.binpb"
  # All services of our own are for our own clients.
  mapfile -t own < <(awk '/^package /{p=$2; sub(";","",p)} /^service /{print p "." $2}' proto/wharfd/services/*/v*/*.proto | LC_ALL=C sort)
  local client=("${CLIENT_TYPES[@]}" "${own[@]}")
  node_modules/.bin/buf build --as-file-descriptor-set --exclude-source-info -o "$work/client.binpb" "${client[@]/#/--type=}"
  node --import tsx scripts/gen-schema.ts "$work/whole.binpb" "$work/client.binpb" "$out"

  # Put in place in one go, without what is no longer made.
  mkdir -p "$target"
  cp -rT "$out" "$target"
  (cd "$target" && find . -type f -printf '%P\n') | while read -r file; do
    [ -e "$out/$file" ] || rm "$target/$file"
  done
}

case "${1:-types}" in
  types) generate "${2:-src/gen}" ;;
  --check)
    mkdir -p build
    rm -rf build/gen-check
    (generate build/gen-check)
    diff -r build/gen-check src/gen || { echo 'src/gen is not what proto/ makes: run `make gen` and commit it' >&2; exit 1; }
    rm -rf build/gen-check
    ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
esac
