/**
 * The schema: one migration per version, applied in order and never changed after its release. It uses plain tables,
 * INTEGER and TEXT, partial indexes and `ON CONFLICT`, so it would run on PostgreSQL with BIGINT for INTEGER. Times are
 * milliseconds.
 */
export const MIGRATIONS: readonly string[] = [
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
  `
-- The agents' work: repositories, the branches that agents pushed, changes and their comments. The rows are the
-- authority; refs of the repositories follow them. A change is merged one at a time per repository and base.
CREATE TABLE repositories (
  name TEXT PRIMARY KEY,
  settings TEXT NOT NULL,
  upstream TEXT,
  upstream_uid INTEGER,
  upstream_gid INTEGER,
  upstream_nonce TEXT,
  queues TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE branches (
  repo TEXT NOT NULL,
  agent TEXT NOT NULL,
  branch TEXT NOT NULL,
  sha TEXT NOT NULL,
  pushed_at INTEGER NOT NULL,
  PRIMARY KEY (repo, agent, branch)
) WITHOUT ROWID;
CREATE INDEX branches_by_agent ON branches (agent);

-- What agents have pushed, counted also after a branch was removed: its objects stay.
CREATE TABLE pushed_bytes (
  agent TEXT NOT NULL,
  repo TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (agent, repo)
) WITHOUT ROWID;

CREATE TABLE changes (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  repo TEXT NOT NULL,
  agent TEXT NOT NULL,
  agent_name TEXT NOT NULL,
  branch TEXT NOT NULL,
  base TEXT NOT NULL,
  round INTEGER NOT NULL,
  state TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  sha TEXT NOT NULL,
  merge_base TEXT,
  digest TEXT NOT NULL,
  stat TEXT NOT NULL,
  marks TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  reviewed_sha TEXT,
  note TEXT,
  reason TEXT,
  queued_at INTEGER,
  candidate TEXT,
  candidate_base TEXT,
  merged_sha TEXT,
  has_log INTEGER NOT NULL,
  undecided INTEGER NOT NULL
);
CREATE UNIQUE INDEX changes_by_seq ON changes (seq);
CREATE INDEX changes_by_repo ON changes (repo, id);
CREATE INDEX changes_by_agent ON changes (agent, id);
CREATE INDEX changes_undecided ON changes (agent) WHERE undecided > 0;
CREATE INDEX changes_open ON changes (id) WHERE state NOT IN ('merged', 'denied', 'withdrawn', 'superseded', 'stale');
CREATE UNIQUE INDEX changes_one_at_a_time ON changes (repo, base) WHERE state IN ('merging', 'checking', 'pushing');

CREATE TABLE change_comments (
  id INTEGER PRIMARY KEY,
  change INTEGER NOT NULL,
  round INTEGER NOT NULL,
  author TEXT NOT NULL,
  path TEXT,
  line INTEGER,
  side TEXT,
  quote TEXT,
  text TEXT NOT NULL,
  state TEXT NOT NULL,
  outdated INTEGER NOT NULL,
  answer TEXT,
  at INTEGER NOT NULL
);
CREATE INDEX change_comments_of ON change_comments (change, id);
`,
  `
-- Files of the operator that are copied into each fresh workspace of a repository.
CREATE TABLE include_files (
  repo TEXT NOT NULL,
  path TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  executable INTEGER NOT NULL,
  added_at INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (repo, path)
);
`,
  `
-- The check of a proposed round before the decision, as JSON.
ALTER TABLE changes ADD COLUMN early_check TEXT;
`,
  `
-- The instructions of repositories that a config follows, as the operator has seen them.
ALTER TABLE approvals ADD COLUMN project TEXT;
`,
  `
-- Operators besides the one of host.sock. A socket is given to the Unix user only while it still has this uid.
CREATE TABLE operators (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  user TEXT NOT NULL,
  uid INTEGER NOT NULL,
  added_at INTEGER NOT NULL
);
-- Sessions from before belong to the operator of host.sock.
ALTER TABLE sessions ADD COLUMN operator TEXT NOT NULL DEFAULT 'operator';
-- Who answered or cancelled a question; null if it expired, or was closed before this column existed.
ALTER TABLE questions ADD COLUMN closed_by TEXT;
`,
  `
-- Passkeys of operators, and the operators whose approvals need one. A number is never used again: the audit trail has it.
CREATE TABLE passkeys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  operator TEXT NOT NULL,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  credential TEXT NOT NULL UNIQUE,
  public_key BLOB NOT NULL,
  counter INTEGER NOT NULL,
  transports TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  used_at INTEGER
);
CREATE INDEX passkeys_of ON passkeys (operator, id);
CREATE TABLE passkey_required (
  operator TEXT PRIMARY KEY,
  since INTEGER NOT NULL
);
`,
  `
-- What the gateway has metered of a turn that has not ended, as JSON: the daemon may end before it.
ALTER TABLE turns ADD COLUMN metered TEXT;
`,
  `
-- What the model has cost by chain of messages, and how much of that was spent when an operator last let the chain go on.
CREATE TABLE chain_costs (
  chain INTEGER PRIMARY KEY,
  cost REAL NOT NULL,
  unpriced INTEGER NOT NULL,
  output INTEGER NOT NULL,
  passed_cost REAL NOT NULL DEFAULT 0,
  passed_output INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
);
CREATE INDEX chain_costs_by_age ON chain_costs (updated_at);
`,
  `
-- Limits that the operator has set, what is spent under them by period, and the operator's decisions. A scope is 'hive',
-- 'default' or 'agent:<id>'.
CREATE TABLE budgets (
  scope TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount REAL NOT NULL,
  PRIMARY KEY (scope, kind)
) WITHOUT ROWID;
CREATE TABLE budget_spent (
  scope TEXT NOT NULL,
  period TEXT NOT NULL,
  cost_usd REAL NOT NULL,
  output INTEGER NOT NULL,
  input INTEGER NOT NULL,
  turns INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, period)
) WITHOUT ROWID;
CREATE TABLE budget_decisions (
  scope TEXT NOT NULL,
  kind TEXT NOT NULL,
  extra REAL NOT NULL,
  extra_for TEXT NOT NULL,
  lifted_on TEXT NOT NULL,
  stopped_for TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  PRIMARY KEY (scope, kind)
) WITHOUT ROWID;
`,
  `
-- Secrets by name. Their values are files of the daemon's user.
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  used_at INTEGER
);
`,
  `
-- Upstreams on other hosts: \`upstream\` has the address, \`remote\` what else is kept of it. Never a credential.
ALTER TABLE repositories ADD COLUMN remote TEXT;
-- The last fetch from another host: when it succeeded (0: never), and why the last one failed.
CREATE TABLE fetches (
  repo TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  failed TEXT
);
`,
  `
-- When the work on a branch began: the first push since its last change ended. Null for branches from before.
ALTER TABLE branches ADD COLUMN first_pushed_at INTEGER;
-- From then to the end of a change: what its agent's turns used in between is what it has cost.
CREATE TABLE change_spans (
  change INTEGER PRIMARY KEY,
  began_at INTEGER NOT NULL,
  ended_at INTEGER
);
`,
  `
-- The call to an API door that a connection was, as JSON.
ALTER TABLE egress ADD COLUMN call TEXT;
`,
  `
-- The credential of each answer and turn; 'default' is the hive's own. From here on the days of usage are the operator's,
-- and budgets are sums of it: \`budget_usd\` is the cost by the price of the model that was asked for, if the one that
-- answered has none.
CREATE TABLE usage_by_credential (
  day TEXT NOT NULL,
  agent TEXT NOT NULL,
  model TEXT NOT NULL,
  credential TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  unpriced INTEGER NOT NULL,
  budget_usd REAL NOT NULL,
  PRIMARY KEY (day, agent, model, credential)
) WITHOUT ROWID;
INSERT INTO usage_by_credential SELECT day, agent, model, 'default', requests, input, output, cache_read, cache_write, cost_usd,
  unpriced, cost_usd FROM usage;
DROP TABLE usage;
ALTER TABLE usage_by_credential RENAME TO usage;
CREATE INDEX usage_by_agent ON usage (agent, day);
ALTER TABLE turns ADD COLUMN credential TEXT;
`,
  `
-- The pull request of a change on the host of its upstream. \`sha\` is what was last pushed to its branch, \`told\` the
-- digest of its text there; \`number\` is null until it is known to be open.
CREATE TABLE pull_requests (
  change INTEGER PRIMARY KEY,
  repo TEXT NOT NULL,
  forge TEXT NOT NULL,
  head TEXT NOT NULL,
  state TEXT NOT NULL,
  number INTEGER,
  url TEXT,
  round INTEGER NOT NULL,
  sha TEXT,
  told TEXT,
  etag TEXT,
  failed TEXT
);
CREATE INDEX pull_requests_by_head ON pull_requests (repo, head);
CREATE INDEX pull_requests_live ON pull_requests (change) WHERE state IN ('opening', 'open');
`,
];
