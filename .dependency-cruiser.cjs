/**
 * The rooms of src/ and who may import whom: base -> spec -> core -> {sys, drivers, service} -> daemon,
 * base -> rpc -> {service, remote, client} -> cli. One rule a room; unit tests stand beside their source and are exempt.
 */

const UNIT_TEST = '\\.test\\.ts$';

/** A room may import itself and `allowed`; any other file of ours is an error. */
function room(name, allowed) {
  return {
    name: `room-${name}`,
    comment: `src/${name} imports ${allowed.length === 0 ? 'no other room' : allowed.join(', ')} only`,
    severity: 'error',
    from: { path: `^src/${name}/`, pathNot: UNIT_TEST },
    to: { path: '^(src|test|bench|scripts)/', pathNot: `^src/(${[name, ...allowed].join('|')})/` },
  };
}

module.exports = {
  forbidden: [
    room('base', []),
    {
      name: 'base-node-only',
      comment: 'src/base imports node: modules only',
      severity: 'error',
      from: { path: '^src/base/', pathNot: UNIT_TEST },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    room('spec', ['base']),
    room('core', ['base', 'spec']),
    room('sys', ['base', 'core']),
    room('drivers', ['base', 'spec', 'core']),
    {
      name: 'drivers-apart',
      comment: 'a driver never imports another driver',
      severity: 'error',
      from: { path: '^src/drivers/([^/]+)/', pathNot: UNIT_TEST },
      to: { path: '^src/drivers/', pathNot: '^src/drivers/$1/' },
    },
    room('remote', ['base', 'spec', 'core', 'rpc', 'gen']),
    room('gen', []),
    room('rpc', ['base', 'gen']),
    room('service', ['base', 'spec', 'core', 'rpc', 'gen']),
    room('client', ['base', 'spec', 'rpc', 'gen']),
    room('cli', ['base', 'spec', 'client']),
    {
      name: 'cli-apart',
      comment: 'dist and ctr share src/cli/shared only',
      severity: 'error',
      from: { path: '^src/cli/(dist|ctr)/', pathNot: UNIT_TEST },
      to: { path: '^src/cli/(dist|ctr)/', pathNot: '^src/cli/$1/' },
    },
    room('selftest', ['base', 'spec', 'core']),
    room('daemon', ['base', 'spec', 'core', 'sys', 'drivers', 'remote', 'gen', 'rpc', 'service', 'selftest']),
    {
      name: 'grpc-in-rpc-only',
      comment: 'only src/rpc knows grpc-js (generated types apart)',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/rpc/', '^src/gen/', UNIT_TEST] },
      to: { path: 'node_modules/@grpc/' },
    },
    {
      name: 'gen-is-types',
      comment: 'src/gen imports grpc-js for its types only',
      severity: 'error',
      from: { path: '^src/gen/' },
      to: { path: 'node_modules/@grpc/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'child-process-in-sys-only',
      comment: 'only src/sys, and the two CLI entry files for io.spawn, start processes',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/sys/', '^src/cli/(dist|ctr)/main\\.ts$', UNIT_TEST] },
      to: { path: '^(node:)?child_process$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'cli-is-thin',
      comment: 'no command-line program reaches the database, the addon or daemon code',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: UNIT_TEST },
      to: { path: ['better-sqlite3', '^src/(core|sys|drivers|service|daemon)/'], reachable: true },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: { pathNot: '^src/gen/' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: [UNIT_TEST, '^src/gen/', '\\.d\\.ts$'] },
      to: {},
    },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-dev-package-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: UNIT_TEST },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
