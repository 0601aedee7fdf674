import type { Scenarios } from './scenario.js';

/** By `--snapshotter`, which stands before the subcommand. */
export const SNAPSHOTS: Scenarios = {
  'snapshots list': {
    good: ['snapshots ls', 'snapshots list', 'snapshot --snapshotter overlayfs ls'],
    missing: ['-n nowhere snapshots ls', 'snapshots --snapshotter nothing ls'],
    wrong: ['snapshots ls --nonsense'],
  },
  'snapshots prepare': {
    good: [
      'snapshots prepare base',
      { args: 'snapshots prepare --mounts top {chain}', same: 'code' },
      { args: 'snapshots prepare --target {dir}/t printed {chain}', same: 'code' },
    ],
    missing: ['snapshots prepare x nothing', 'snapshots --snapshotter nothing prepare x'],
    wrong: [
      'snapshots prepare',
      'snapshots prepare base',
      'snapshots prepare a b c',
      'snapshots prepare x top',
      { args: ['snapshots', 'prepare', ''], same: 'code' },
    ],
  },
  'snapshots view': {
    good: [{ args: 'snapshots view --mounts seen {chain}', same: 'code' }, 'snapshots view nothing-below'],
    missing: ['snapshots view x nothing'],
    wrong: ['snapshots view', 'snapshots view seen', 'snapshots view a b c'],
  },
  'snapshots info': {
    good: [
      { args: 'snapshots info base', same: 'code' },
      { args: 'snapshots info {chain}', same: 'code' },
    ],
    missing: ['snapshots info nothing', 'snapshots --snapshotter nothing info base'],
    wrong: ['snapshots info'],
  },
  'snapshots mounts': {
    good: [
      { args: 'snapshots mounts {dir}/t top', same: 'code' },
      { args: 'snapshots mounts {dir}/t seen', same: 'code' },
      { args: 'snapshots mounts {dir}/t base', same: 'code' },
    ],
    missing: ['snapshots mounts {dir}/t nothing'],
    wrong: ['snapshots mounts', 'snapshots mounts {dir}/t', 'snapshots mounts {dir}/t {chain}'],
  },
  'snapshots label': {
    good: ['snapshots label base a=b containerd.io/gc.root=now', 'snapshots label base a='],
    missing: ['snapshots label nothing a=b'],
    wrong: ['snapshots label', 'snapshots label base novalue'],
  },
  'snapshots usage': {
    good: ['snapshots usage base', 'snapshots usage -b base top', { args: 'snapshots usage', same: [0] }],
    missing: ['snapshots usage nothing'],
    wrong: ['snapshots usage --nonsense'],
  },
  'snapshots commit': {
    good: ['snapshots commit done base', 'snapshots label done containerd.io/gc.root=now'],
    missing: ['snapshots commit x nothing'],
    wrong: [
      'snapshots commit',
      'snapshots commit x',
      'snapshots commit x seen',
      'snapshots commit {chain} top',
      'snapshots commit x done',
    ],
  },
  'snapshots tree': {
    good: [{ args: 'snapshots tree', unordered: true }],
    missing: ['-n nowhere snapshots tree', 'snapshots --snapshotter nothing tree'],
    wrong: ['snapshots tree --nonsense'],
  },
  'snapshots diff': {
    good: [
      { args: 'snapshots diff top', same: 'code' },
      {
        args: 'snapshots diff --media-type application/vnd.oci.image.layer.v1.tar --keep --label a=b top',
        same: 'code',
      },
      { args: 'snapshots diff {chain} top', same: 'code' },
    ],
    missing: ['snapshots diff nothing', 'snapshots diff top nothing'],
    wrong: ['snapshots diff', 'snapshots diff --media-type text/plain top'],
  },
  'snapshots unpack': {
    good: [
      { args: 'snapshots unpack {manifest}', same: 'code' },
      { args: 'snapshots --snapshotter native unpack --snapshotter native {manifest}', same: 'code' },
    ],
    missing: ['snapshots unpack {absent}'],
    wrong: ['snapshots unpack', 'snapshots unpack notadigest'],
  },
  'snapshots delete': {
    good: ['snapshots rm seen printed', 'snapshots delete top nothing-below', 'snapshots rm done'],
    missing: ['snapshots rm nothing'],
    wrong: ['snapshots rm', 'snapshots rm {chain}'],
  },
};
