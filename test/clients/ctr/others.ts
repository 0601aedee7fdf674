import type { Scenarios } from './scenario.js';

export const OTHERS: Scenarios = {
  version: {
    good: [{ args: 'version', same: 'code' }],
    missing: [{ args: '-n nowhere version', same: 'code' }],
    wrong: ['version --nonsense'],
  },
  'plugins list': {
    good: [
      { args: 'plugins ls', same: 'heading' },
      { args: 'plugins ls -q', same: 'code' },
      { args: 'plugins ls -d', same: 'code' },
      { args: 'plugin ls type==io.containerd.snapshotter.v1,id==overlayfs', same: [0, 1, 2] },
      'plugins ls id==content',
    ],
    missing: ['plugins ls id==nothing'],
    wrong: ['plugins ls id=', 'plugins ls --nonsense'],
  },
  events: {
    good: [{ args: 'events', interrupted: true }],
    missing: [],
    wrong: ['events --nonsense', { args: ['events', 'topic='] }],
  },
  'namespaces create': {
    good: ['namespaces create made-1', 'ns c made-2 a=b c=d'],
    missing: [],
    wrong: [
      'ns create',
      'ns create made-1',
      'ns create bad/name',
      { args: ['ns', 'create', 'n'.repeat(80)] },
      'ns create x novalue',
    ],
  },
  'namespaces list': {
    good: [
      { args: 'namespaces ls', unordered: true },
      { args: 'ns list -q', unordered: true },
    ],
    missing: [{ args: '-n nowhere ns ls', unordered: true }],
    wrong: ['ns ls --nonsense'],
  },
  'namespaces label': {
    good: ['ns label made-1 x=y', 'ns label made-2 a='],
    missing: ['ns label nothing x=y'],
    wrong: ['ns label', 'ns label made-1 novalue'],
  },
  'namespaces remove': {
    good: [
      '-n made-2 leases create --id holds',
      'ns rm made-1',
      'ns rm made-2',
      '-n made-2 leases rm holds',
      'namespaces remove --cgroup made-2',
    ],
    missing: ['ns rm nothing', 'ns rm nothing1 nothing2'],
    wrong: ['ns rm', 'ns rm --nonsense'],
  },
  'leases create': {
    good: [
      'leases create --id l1 a=b',
      { args: 'leases create --id l2 --expires 1h', same: 'all' },
      'leases create --id l3 --expires 0',
    ],
    missing: ['-n nowhere leases create --id l9 --expires 0', '-n nowhere leases rm l9'],
    wrong: ['leases create --id l1', 'leases create --expires nonsense', 'leases create --id x --nonsense'],
  },
  'leases list': {
    good: [
      { args: 'leases ls -q', unordered: true },
      'leases ls id==l1',
      { args: ['leases', 'ls', '-q', 'labels.a==b'] },
    ],
    missing: ['leases ls id==nothing'],
    wrong: ['leases ls id=', 'leases ls --nonsense'],
  },
  'leases delete': {
    good: ['leases rm l1', 'leases delete --sync l2 l3'],
    missing: ['leases rm nothing'],
    wrong: ['leases rm', 'leases rm --nonsense'],
  },
  install: {
    good: [
      { args: 'install --path {dir}/opt {busybox}', same: 'all' },
      { args: 'install {busybox}', same: 'code' },
    ],
    missing: ['install example.com/nothing:1'],
    wrong: ['install', 'install --nonsense'],
  },
  'oci spec': {
    good: ['oci spec'],
    missing: [],
    wrong: ['oci spec --nonsense', 'oci nothing'],
  },
  'shim state': {
    good: [],
    missing: [
      'shim --id nothing state',
      'shim --id nothing delete',
      'shim --id nothing start',
      'shim --id nothing exec x',
    ],
    wrong: ['shim state', 'shim nothing'],
  },
  'pprof heap': {
    good: [],
    missing: ['pprof --debug-socket {dir}/none.sock heap', 'pprof --debug-socket {dir}/none.sock goroutines'],
    wrong: ['pprof nothing'],
  },
  ctr: {
    good: ['--version', '--help'],
    missing: [{ args: '--address {dir}/none.sock --connect-timeout 1s images ls', same: 'code' }],
    wrong: ['nothing', '--nonsense', '-n bad/name images ls', { args: ['-n', '', 'images', 'ls'] }],
  },
};
