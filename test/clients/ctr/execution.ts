import type { Scenarios } from './scenario.js';

export const RUN: Scenarios = {
  run: {
    good: [
      'run --rm {busybox} r1 echo hello world',
      'run --rm {busybox} r2 sh -c exit\u00a07',
      { args: 'run --rm --env A=b --cwd /tmp {busybox} r3 sh -c env;pwd', unordered: true },
      { args: ['run', '--rm', '--user', '1000', '{busybox}', 'r4', 'id'] },
      { args: ['run', '--rm', '{busybox}', 'r5', 'sh', '-c', 'kill -9 $$'] },
      // Its end would now and then overtake its output in containerd.
      { args: ['run', '--rm', '{busybox}', 'r6', 'sh', '-c', 'echo err >&2; sleep 0.5; exit 3'] },
      { args: 'run --rm {busybox} r7 head -n 1', stdin: 'given\nmore\n' },
      'run --rm --read-only {busybox} r8 touch /x',
      'run --rm --null-io {busybox} r9 echo unseen',
      'run --rm --cap-add CAP_SYS_ADMIN --seccomp --memory-limit 50000000 {busybox} r10 true',
      'run --rm --snapshotter native {busybox} r11 true',
      { args: 'run --rm --runc-root {dir}/runc --runc-binary /usr/sbin/runc {busybox} r12 true' },
      'run --detach --label role=long {busybox} long sh -c trap\u00a0exit\u00a0TERM;while\u00a0:;do\u00a0sleep\u00a00.1;done',
      'run {busybox} kept true',
    ],
    missing: [
      'run --rm example.com/nothing:1 m1 true',
      { args: 'run --rm {busybox} m2 nosuchprogram', same: 'all' },
      'run --rm --cwd /tmp --mount type=bind,src=/no/such/dir,dst=/x {busybox} m3 true',
      'run --rm --snapshotter nothing {busybox} m4 true',
      'run --rm --runtime io.containerd.nothing.v1 {busybox} m5 true',
      'run --rm --runc-binary /no/such/runc {busybox} m6 true',
      'run --rm --user nobodyknows {busybox} m7 true',
    ],
    wrong: [
      'run',
      'run {busybox}',
      'run --rm --detach {busybox} w1 true',
      'run --rm {busybox} long true',
      'run --rm {busybox} bad/id true',
      'run --rm {busybox} -dash true',
      'run --rm --label novalue {busybox} w2 true',
      'run --rm --cap-add nothing {busybox} w3 true',
      'run --rm --mount type=nothing {busybox} w4 true',
    ],
  },
};

export const CONTAINERS: Scenarios = {
  'containers create': {
    good: [
      'containers create {busybox} c1 false',
      'c create --label a=b --runtime io.containerd.runc.v2 {busybox} c2 sleep 100',
      'containers create --rootfs {dir} c3 true',
    ],
    missing: ['containers create example.com/nothing:1 x', 'containers create --snapshotter nothing {busybox} x true'],
    wrong: [
      'containers create',
      'containers create {busybox}',
      'containers create {busybox} c1',
      'containers create {busybox} bad/id',
    ],
  },
  'containers list': {
    good: ['containers ls', 'containers list -q', 'c ls labels.a==b', { args: ['containers', 'ls', 'id~=c[12]'] }],
    missing: ['containers ls id==nothing', '-n nowhere c ls'],
    wrong: ['containers ls id=', 'containers ls --nonsense'],
  },
  'containers info': {
    good: ['containers info --spec c1', { args: 'containers info c1' }],
    missing: ['containers info nothing'],
    wrong: ['containers info', 'containers info --nonsense c1'],
  },
  'containers label': {
    good: ['containers label c1 one=1 two=2', 'containers label c1 one='],
    missing: ['containers label nothing a=b'],
    wrong: ['containers label', { args: ['containers', 'label', 'c1', `${'k'.repeat(4000)}=${'v'.repeat(1000)}`] }],
  },
  'containers checkpoint': {
    good: [{ args: 'containers checkpoint --rw --image c1 example.com/checkpoint:1', same: 'code', made: true }],
    missing: ['containers checkpoint nothing example.com/x:1'],
    wrong: ['containers checkpoint', 'containers checkpoint c1'],
  },
  'containers restore': {
    good: [{ args: 'containers restore --rw restored example.com/checkpoint:1', same: 'code' }],
    missing: ['containers restore x example.com/nothing:1'],
    wrong: ['containers restore', 'containers restore x'],
  },
  'containers delete': {
    good: [
      { args: 'images rm --sync example.com/checkpoint:1', made: true },
      'containers rm c3',
      'containers delete --keep-snapshot restored',
    ],
    missing: ['containers rm nothing', 'containers rm nothing1 nothing2'],
    wrong: ['containers rm', 'containers rm --nonsense c1', 'containers rm long'],
  },
};

export const TASKS: Scenarios = {
  'tasks start': {
    good: ['tasks start c1', 'tasks start --detach c2', 'tasks start --null-io kept'],
    missing: ['tasks start nothing'],
    wrong: ['tasks start', 'tasks start c2'],
  },
  'tasks list': {
    good: [
      { args: 'tasks ls', same: [0, 2], unordered: true },
      { args: 't ls -q', unordered: true },
    ],
    missing: ['-n nowhere tasks ls'],
    wrong: ['tasks ls --nonsense'],
  },
  'tasks ps': {
    good: [{ args: 'tasks ps long', same: 'heading' }],
    missing: ['tasks ps nothing', { args: 'tasks ps c1', same: 'heading' }],
    wrong: ['tasks ps'],
  },
  'tasks exec': {
    good: [
      { args: 'tasks exec --exec-id e1 long hostname', same: 'code' },
      'tasks exec --exec-id e2 --cwd /tmp long pwd',
      { args: ['tasks', 'exec', '--exec-id', 'e3', 'long', 'sh', '-c', 'echo err >&2; exit 9'] },
      { args: 'tasks exec --exec-id e4 long head -n 1', stdin: 'to the exec\n' },
      'tasks exec --exec-id e5 --user 1000 long id',
      'tasks exec --detach --exec-id e6 long sleep 100',
      { args: 'tasks ps long', same: [1], unordered: true },
    ],
    missing: [
      'tasks exec --exec-id m1 nothing true',
      'tasks exec --exec-id m2 long nosuchprogram',
      'tasks exec --exec-id m3 c1 true',
      'tasks exec --exec-id m4 --cwd /no/such long true',
    ],
    wrong: [
      'tasks exec',
      'tasks exec long true',
      'tasks exec --exec-id e6 long true',
      { args: 'tasks exec --exec-id bad/id long true', same: 'code' },
    ],
  },
  'tasks metrics': {
    good: [
      { args: 'tasks metrics long', same: [0] },
      { args: 'tasks metrics --format json long', same: 'code' },
    ],
    missing: ['tasks metrics nothing', 'tasks metrics kept'],
    wrong: ['tasks metrics', 'tasks metrics --format nothing long'],
  },
  'tasks pause': {
    good: ['tasks pause long', { args: 'tasks ls', same: [0, 2], unordered: true }],
    missing: ['tasks pause nothing', 'tasks pause c1'],
    wrong: ['tasks pause', 'tasks pause long'],
  },
  'tasks resume': {
    good: ['tasks resume long', { args: 'tasks ls', same: [0, 2], unordered: true }],
    missing: ['tasks resume nothing', 'tasks resume c1'],
    wrong: ['tasks resume', 'tasks resume long'],
  },
  'tasks attach': {
    good: [],
    missing: ['tasks attach nothing', 'tasks attach c1'],
    wrong: ['tasks attach'],
  },
  'tasks checkpoint': {
    good: [{ args: 'tasks checkpoint long', same: 'code' }],
    missing: ['tasks checkpoint nothing', 'tasks checkpoint c1'],
    wrong: ['tasks checkpoint'],
  },
  'tasks kill': {
    good: [
      'tasks kill --exec-id e6 --signal KILL long',
      'tasks kill c2 --signal KILL',
      'tasks kill --all --signal 15 long',
    ],
    missing: ['tasks kill nothing', 'tasks kill --exec-id nothing long', 'tasks kill c1'],
    wrong: ['tasks kill', 'tasks kill --signal NOTHING c2', { args: 'tasks kill --signal 99 c2', same: 'code' }],
  },
  'tasks delete': {
    good: [
      { args: 'tasks rm kept', same: 'code' },
      { args: 'tasks delete --exec-id e6 long', same: 'code' },
      { args: 'tasks delete --force c2', same: 'code' },
      { args: 'tasks rm --force long', same: 'code' },
    ],
    missing: ['tasks rm nothing', 'tasks rm --exec-id nothing c1'],
    wrong: ['tasks rm', 'tasks rm --nonsense long', 'containers rm c1 c2 long kept'],
  },
};
