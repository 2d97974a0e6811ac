/** The first migrations, apart because the list is long. New ones are added in `schema.ts`. */
export const EARLY_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  ordinal INTEGER NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  desired TEXT NOT NULL,
  paused INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  identity TEXT,
  model_override TEXT,
  session_id TEXT,
  status_text TEXT,
  status_set_at TEXT,
  created_at TEXT NOT NULL,
  destroyed_at TEXT,
  purged_at TEXT
);
CREATE UNIQUE INDEX agents_by_name ON agents (name) WHERE purged_at IS NULL;

-- A message is its own event: seq is that of its last change. The body stays at the end of the row, out of every index.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  sender TEXT NOT NULL,
  label TEXT,
  recipient TEXT NOT NULL,
  client_id TEXT,
  in_reply_to INTEGER,
  chain INTEGER NOT NULL,
  hops INTEGER NOT NULL,
  state TEXT NOT NULL,
  instance TEXT,
  token TEXT,
  redelivered INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT
);
CREATE UNIQUE INDEX messages_by_seq ON messages (seq);
CREATE INDEX messages_open ON messages (recipient, id) WHERE state IN ('queued', 'leased', 'held');
CREATE INDEX messages_by_recipient ON messages (recipient, id);
CREATE INDEX messages_by_sender ON messages (sender, id);
CREATE UNIQUE INDEX messages_by_client_id ON messages (sender, client_id, recipient) WHERE client_id IS NOT NULL;
CREATE INDEX messages_held ON messages (chain) WHERE state = 'held';

CREATE TABLE questions (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  agent TEXT NOT NULL,
  question TEXT NOT NULL,
  options TEXT NOT NULL,
  multi INTEGER NOT NULL,
  state TEXT NOT NULL,
  answer TEXT,
  asked_at INTEGER NOT NULL,
  expires_at INTEGER,
  closed_at INTEGER
);
CREATE UNIQUE INDEX questions_by_seq ON questions (seq);
CREATE INDEX questions_open ON questions (id) WHERE state = 'open';

CREATE TABLE turn_events (
  seq INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  json TEXT NOT NULL
);
CREATE INDEX turn_events_by_agent ON turn_events (agent, seq);

-- How far each harness instance's spool is stored: what comes again is passed over.
CREATE TABLE spools (
  agent TEXT NOT NULL,
  instance TEXT NOT NULL,
  last_n INTEGER NOT NULL,
  PRIMARY KEY (agent, instance)
);

CREATE TABLE turns (
  agent TEXT NOT NULL,
  turn INTEGER NOT NULL,
  message INTEGER,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  ok INTEGER,
  reason TEXT,
  duration_ms INTEGER,
  tokens INTEGER,
  cost_usd REAL,
  PRIMARY KEY (agent, turn)
);

-- What the gateway metered, by agent, day and model: today's figures are a few rows, whatever the history.
CREATE TABLE usage (
  agent TEXT NOT NULL,
  day TEXT NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  PRIMARY KEY (day, agent, model)
);

CREATE TABLE egress (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  at INTEGER NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL
);
CREATE INDEX egress_by_agent ON egress (agent, id);

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  user_agent TEXT NOT NULL,
  revoked_at INTEGER
);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  agent TEXT,
  reason TEXT,
  request INTEGER,
  detail TEXT
);
CREATE INDEX audit_by_agent ON audit (agent, seq);
`,
  `
-- The port of the agent's own page, once it has been given one.
ALTER TABLE agents ADD COLUMN port INTEGER;
`,
  `
-- Full-text search over message bodies. It holds words, not texts, and is filled after the commit of a message, never
-- in it: meta's search_up_to says how far. Dead messages get an index of their own: they are shown however old.
CREATE VIRTUAL TABLE message_words USING fts5 (body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2');
CREATE INDEX messages_dead ON messages (id) WHERE state = 'dead';
CREATE INDEX turns_by_end ON turns (agent, ended_at);
`,
  `
-- Requests and their deploys. At most one of an agent is being carried out, whatever the program believes.
CREATE TABLE approvals (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  agent TEXT,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  origin TEXT NOT NULL,
  state TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  description TEXT,
  sha TEXT NOT NULL,
  tree TEXT NOT NULL,
  base_sha TEXT,
  digest TEXT,
  candidate TEXT,
  previous INTEGER,
  hyperhive TEXT,
  requested_at INTEGER NOT NULL,
  approved_at INTEGER,
  building_at INTEGER,
  resolved_at INTEGER,
  resolved_by TEXT,
  note TEXT,
  error TEXT,
  risks TEXT NOT NULL,
  stat TEXT NOT NULL
);
CREATE UNIQUE INDEX approvals_by_seq ON approvals (seq);
CREATE INDEX approvals_by_name ON approvals (name, id);
CREATE INDEX approvals_open ON approvals (id) WHERE state IN ('pending', 'approved', 'building', 'waiting', 'activating');
CREATE UNIQUE INDEX approvals_one_at_a_time ON approvals (name) WHERE state IN ('building', 'waiting', 'activating');

-- What runs: the commit, the request that brought it, and the revision of hyperhive that it was deployed with.
ALTER TABLE agents ADD COLUMN deployed_sha TEXT;
ALTER TABLE agents ADD COLUMN deployed_request INTEGER;
ALTER TABLE agents ADD COLUMN hyperhive TEXT;
CREATE INDEX audit_by_request ON audit (request, seq) WHERE request IS NOT NULL;
`,
  `
-- Queued, leased and held ones apart: neither the first that waits nor what a turn holds is looked for among the others.
DROP INDEX messages_open;
CREATE INDEX messages_open ON messages (recipient, state, id) WHERE state IN ('queued', 'leased', 'held');
`,
  `
-- A commit writes every page that it touches, so a send touches few: its row, and the end of one index. What waits is
-- one short list, which the daemon keeps by inbox in memory. What turns hold is found by inbox. A message that has not
-- changed has its number as its place in the sequence: only changed ones are kept by that. Who has to do with a message
-- is filled in behind the messages, with their words.
DROP INDEX messages_open;
DROP INDEX messages_by_seq;
DROP INDEX messages_by_recipient;
DROP INDEX messages_by_sender;
CREATE INDEX messages_queued ON messages (id, recipient) WHERE state = 'queued';
CREATE INDEX messages_leased ON messages (recipient, id) WHERE state = 'leased';
CREATE UNIQUE INDEX messages_changed ON messages (seq) WHERE seq <> id;
CREATE INDEX messages_to_operator ON messages (id) WHERE recipient = 'operator';
CREATE TABLE message_parties (who TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (who, id)) WITHOUT ROWID;
INSERT INTO message_parties
  SELECT sender, id FROM messages WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'search_up_to')
  UNION
  SELECT recipient, id FROM messages WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'search_up_to');
`,
  `
-- A queued notice of the daemon that a newer one of its kind about the same agent replaces.
ALTER TABLE messages ADD COLUMN notice TEXT;
CREATE INDEX messages_notices ON messages (recipient, notice) WHERE notice IS NOT NULL AND state = 'queued';
`,
  `
-- The newest event of a kind about an agent, however long its trail is.
CREATE INDEX audit_by_kind ON audit (agent, kind, seq);
`,
  `
-- The marks of an agent's turns, among millions of its events.
CREATE INDEX turn_marks ON turn_events (agent, seq) WHERE type IN ('turn_start', 'turn_end');
`,
  `
-- What a turn counts as (src/wire/turn-ends.ts). Of turns before this one it is known who cancelled, not what was parked.
ALTER TABLE turns ADD COLUMN result TEXT;
UPDATE turns SET result = CASE WHEN ok = 1 THEN 'ok' WHEN reason LIKE 'cancelled%' THEN 'cancelled' ELSE 'failed' END
  WHERE ended_at IS NOT NULL;
ALTER TABLE turns DROP COLUMN ok;
UPDATE turn_events SET json = json_set(json, '$.result', CASE
  WHEN json_extract(json, '$.ok') THEN 'ok' WHEN json_extract(json, '$.reason') LIKE 'cancelled%' THEN 'cancelled' ELSE 'failed' END)
  WHERE type = 'turn_end';
`,
  `
-- Requests to a model without a price. A row of an earlier version that cost nothing is taken to have had none.
ALTER TABLE usage ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET unpriced = requests WHERE cost_usd = 0;
CREATE INDEX usage_by_agent ON usage (agent, day);
`,
  `
-- Mounts through which an agent acts as a folder's owner, as the operator has seen them.
ALTER TABLE approvals ADD COLUMN mount_owners TEXT;
`,
  `
-- What ran when a request was decided: its diff stays readable afterwards. For earlier rows the nearest known commit is
-- the one that ran when the request was made.
ALTER TABLE approvals ADD COLUMN decided_base TEXT;
UPDATE approvals SET decided_base = base_sha WHERE state <> 'pending';
`,
  `
-- The harness that a turn belongs to: when it is gone, the turn ends. An agent has one turn at a time, so of its open
-- turns only the newest can still run.
ALTER TABLE turns ADD COLUMN instance TEXT;
UPDATE turns SET ended_at = started_at, result = 'interrupted', reason = 'interrupted: its end was not recorded'
  WHERE ended_at IS NULL AND turn < (SELECT max(turn) FROM turns AS newer WHERE newer.agent = turns.agent);
UPDATE turns SET instance = (SELECT instance FROM spools WHERE spools.agent = turns.agent ORDER BY rowid DESC LIMIT 1)
  WHERE ended_at IS NULL;
CREATE INDEX turns_open ON turns (agent, turn) WHERE ended_at IS NULL;
`,
  `
-- What an agent can add to, counted and pruned by agent: closed questions, the audit trail but for the part that belongs
-- to requests, and messages that are held back.
CREATE INDEX questions_closed ON questions (agent, id) WHERE state <> 'open';
CREATE INDEX audit_trail ON audit (agent, seq) WHERE request IS NULL;
CREATE INDEX messages_held_to ON messages (recipient, id) WHERE state = 'held';
`,
  `
-- A turn's number was the harness's word: one near the limit of numbers left none for the next harness. Such turns are
-- numbered after the others. A reason of a message had no bound either.
CREATE TEMPORARY TABLE renumbered AS
  SELECT agent, turn AS old, row_number() OVER (PARTITION BY agent ORDER BY turn) + coalesce(
    (SELECT max(turn) FROM turns AS earlier WHERE earlier.agent = turns.agent AND earlier.turn <= 1000000000), 0) AS new
  FROM turns WHERE turn > 1000000000;
UPDATE turns SET turn = (SELECT new FROM renumbered WHERE renumbered.agent = turns.agent AND old = turns.turn)
  WHERE turn > 1000000000;
DROP TABLE renumbered;
UPDATE messages SET reason = substr(reason, 1, 4096) WHERE length(reason) > 4096;
`,
];
