/** A step of the schema: `PRAGMA user_version` counts those that were done. Steps of a release are never changed again. */
export interface SchemaStep {
  /** The first release of wharfd that knows it; told to an older one that finds it. */
  readonly release: string;
  readonly sql: string;
}

/** Steps from an empty file to the present schema. Labels, annotations and details are JSON texts; times milliseconds since 1970. */
export const SCHEMA: readonly SchemaStep[] = [
  {
    release: '0.1.0',
    sql: `
CREATE TABLE schema_steps (version INTEGER PRIMARY KEY, release TEXT NOT NULL) STRICT;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
  namespace TEXT NOT NULL REFERENCES namespaces ON DELETE CASCADE,
  id TEXT NOT NULL,
  labels TEXT NOT NULL,
  operation INTEGER NOT NULL, -- 1: ended by a restart of the daemon
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease_resources (
  namespace TEXT NOT NULL,
  lease TEXT NOT NULL,
  type TEXT NOT NULL, -- content, ingests, images, snapshots/<snapshotter>
  resource TEXT NOT NULL,
  PRIMARY KEY (namespace, lease, type, resource),
  FOREIGN KEY (namespace, lease) REFERENCES leases ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
  namespace TEXT NOT NULL REFERENCES namespaces,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  labels TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_by_digest ON blobs (digest);

CREATE TABLE ingests (
  namespace TEXT NOT NULL REFERENCES namespaces ON DELETE CASCADE,
  ref TEXT NOT NULL,
  file TEXT NOT NULL UNIQUE, -- the blob store's id
  total INTEGER NOT NULL, -- 0: not known
  expected TEXT NOT NULL, -- empty: not known
  shared INTEGER NOT NULL, -- 1: no bytes of its own, those of the blob named by expected
  started_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  expires_ms INTEGER, -- set where no lease keeps it
  PRIMARY KEY (namespace, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX ingests_shared ON ingests (expected) WHERE shared = 1;

CREATE TABLE images (
  namespace TEXT NOT NULL REFERENCES namespaces,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  annotations TEXT NOT NULL,
  labels TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE containers (
  namespace TEXT NOT NULL REFERENCES namespaces,
  id TEXT NOT NULL,
  labels TEXT NOT NULL,
  image TEXT NOT NULL,
  runtime TEXT NOT NULL,
  options_type TEXT,
  options_value BLOB,
  spec_type TEXT,
  spec_value BLOB,
  snapshotter TEXT NOT NULL,
  snapshot_key TEXT NOT NULL,
  extensions TEXT NOT NULL, -- JSON: name to [type URL, base64]
  sandbox TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, id)
) STRICT;

CREATE TABLE processes (
  namespace TEXT NOT NULL REFERENCES namespaces,
  container TEXT NOT NULL,
  exec TEXT NOT NULL, -- empty: the init
  state TEXT NOT NULL,
  pid INTEGER NOT NULL,
  stdin TEXT NOT NULL,
  stdout TEXT NOT NULL,
  stderr TEXT NOT NULL,
  terminal INTEGER NOT NULL,
  exit_status INTEGER,
  exit_unknown INTEGER,
  exited_ns TEXT, -- decimal
  details TEXT NOT NULL,
  PRIMARY KEY (namespace, container, exec)
) STRICT, WITHOUT ROWID;

CREATE TABLE layers (
  id INTEGER PRIMARY KEY, -- name of the backend's directory
  snapshotter TEXT NOT NULL,
  size INTEGER, -- both set once committed
  inodes INTEGER
) STRICT;

CREATE TABLE snapshots (
  namespace TEXT NOT NULL REFERENCES namespaces,
  snapshotter TEXT NOT NULL,
  name TEXT NOT NULL, -- key while active or view
  kind TEXT NOT NULL CHECK (kind IN ('active', 'view', 'committed')),
  parent TEXT,
  layer INTEGER NOT NULL REFERENCES layers,
  chained INTEGER NOT NULL, -- 1: the name is the chain ID of what we applied ourselves
  labels TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, snapshotter, name),
  FOREIGN KEY (namespace, snapshotter, parent) REFERENCES snapshots (namespace, snapshotter, name)
    DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshots_by_parent ON snapshots (namespace, snapshotter, parent);
CREATE INDEX snapshots_by_layer ON snapshots (layer);
CREATE INDEX snapshots_chained ON snapshots (snapshotter, name) WHERE chained = 1;

CREATE TABLE lease_layers ( -- layers that an operation has found, and is about to name
  namespace TEXT NOT NULL,
  lease TEXT NOT NULL,
  layer INTEGER NOT NULL REFERENCES layers,
  PRIMARY KEY (namespace, lease, layer),
  FOREIGN KEY (namespace, lease) REFERENCES leases ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_layers_by_layer ON lease_layers (layer);

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  topic TEXT NOT NULL,
  timestamp_ns INTEGER NOT NULL,
  type TEXT NOT NULL, -- type URL of a foreign event, else name of the message
  fields TEXT, -- JSON of our own events
  value BLOB -- bytes of foreign ones
) STRICT;
`,
  },
  {
    release: '0.2.0',
    sql: `
CREATE TABLE sandboxes (
  namespace TEXT NOT NULL REFERENCES namespaces,
  id TEXT NOT NULL,
  labels TEXT NOT NULL,
  runtime TEXT NOT NULL,
  options_type TEXT,
  options_value BLOB,
  spec_type TEXT,
  spec_value BLOB,
  extensions TEXT NOT NULL,
  sandboxer TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_runs ( -- of a controller, whose sandboxes need no description
  namespace TEXT NOT NULL REFERENCES namespaces,
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created', 'ready', 'stopped')),
  started_ms INTEGER,
  exited_ms INTEGER,
  PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    release: '0.2.0',
    sql: `
CREATE TABLE proxied_layers ( -- of snapshotters in other programs
  layer INTEGER PRIMARY KEY REFERENCES layers ON DELETE CASCADE,
  snapshotter TEXT NOT NULL,
  namespace TEXT NOT NULL, -- that the other program is told
  key TEXT NOT NULL, -- by which the other program knows it
  UNIQUE (snapshotter, key)
) STRICT;
`,
  },
];
