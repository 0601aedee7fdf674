import type { Scenarios } from './scenario.js';

export const CONTENT: Scenarios = {
  'content list': {
    good: ['content ls -q', { args: 'content ls', same: [0, 1] }],
    missing: ['-n nowhere content ls', { args: ['content', 'ls', 'digest==nothing'] }],
    wrong: ['content ls --nonsense', { args: ['content', 'ls', '-q', '='] }],
  },
  'content get': {
    good: ['content get {manifest}', 'content get {config}'],
    missing: ['content get {absent}'],
    wrong: ['content get', 'content get notadigest', 'content get sha256:12'],
  },
  'content ingest': {
    good: [
      // What is ingested has no lease. A collection just before starts both daemons' counts of mutations anew, so that
      // neither collects it by count while it is asked for.
      'leases create --id collected',
      'leases delete --sync collected',
      { args: 'content ingest key-1', stdin: 'hello' },
      { args: 'content ingest key-2', stdin: 'hello' },
      { args: 'content ingest --expected-size 6 --expected-digest {six} key-3', stdin: 'hello\n' },
    ],
    missing: [{ args: 'content ingest key-4', stdin: '' }],
    wrong: [
      { args: 'content ingest', stdin: 'x' },
      { args: 'content ingest --expected-size 4 key-5', stdin: 'hello 5' },
      { args: 'content ingest --expected-digest {absent} key-6', stdin: 'hello 6' },
      { args: 'content ingest --expected-digest notadigest key-7', stdin: 'hello 7' },
      { args: 'content ingest --expected-size -1 key-8', stdin: 'hello 8' },
    ],
  },
  'content active': {
    good: [{ args: 'content active', same: [0, 1], unordered: true }],
    missing: ['content active nothing', '-n nowhere content active'],
    wrong: ['content active --nonsense', { args: ['content', 'active', '('] }],
  },
  'content label': {
    good: ['content label {hello} a=b c=d', 'content label {hello} a='],
    missing: ['content label {absent} a=b'],
    wrong: ['content label', 'content label notadigest a=b', 'content label {hello} novalue'],
  },
  'content edit': {
    good: [
      { args: 'content edit --editor true {hello}', same: 'code' },
      { args: 'content edit --editor {editor} {hello}' },
    ],
    missing: ['content edit --editor true {absent}'],
    wrong: [
      'content edit --editor true',
      'content edit --editor false {hello}',
      'content edit --editor true notadigest',
    ],
  },
  'content fetch': {
    good: [
      { args: 'content fetch --plain-http {busybox}', same: 'code' },
      { args: 'content fetch --plain-http --all-metadata --metadata-only {multi}', same: 'code' },
    ],
    missing: [{ args: 'content fetch --plain-http {registry}/nothing:1', same: 'code' }],
    wrong: ['content fetch', 'content fetch --plain-http noslash'],
  },
  'content fetch-object': {
    good: ['content fetch-object --plain-http {registry}/busybox@{manifest}'],
    missing: ['content fetch-object --plain-http {registry}/busybox@{absent}'],
    wrong: ['content fetch-object', 'content fetch-object noslash'],
  },
  'content push-object': {
    good: ['content push-object --plain-http {registry}/objects-{side} {hello} application/octet-stream'],
    missing: ['content push-object --plain-http {registry}/objects {absent} application/octet-stream'],
    wrong: ['content push-object', 'content push-object --plain-http {registry}/objects notadigest x/y'],
  },
  'content prune': {
    good: ['content prune references --dry', 'content prune references', 'content prune references --async'],
    missing: ['-n nowhere content prune references', 'content prune nothing'],
    wrong: ['content prune references --nonsense'],
  },
  'content delete': {
    good: ['content rm {hello}', 'content delete {six}'],
    missing: ['content rm {absent}'],
    wrong: ['content rm', 'content rm notadigest'],
  },
};
