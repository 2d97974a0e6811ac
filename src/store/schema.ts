import { EARLY_MIGRATIONS } from "./early-migrations.ts";

/**
 * The schema: one migration per version, applied in order and never changed after its release. It uses plain tables,
 * INTEGER and TEXT, partial indexes and `ON CONFLICT`, so it would run on PostgreSQL with BIGINT for INTEGER. Times are
 * milliseconds.
 */
export const MIGRATIONS: readonly string[] = [
  ...EARLY_MIGRATIONS,
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
-- Tokens of output, and of input that no cache has served: what budgets of changes count.
ALTER TABLE turns ADD COLUMN output INTEGER;
ALTER TABLE turns ADD COLUMN input INTEGER;
DELETE FROM budget_spent WHERE period LIKE 'day:%';
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
  `
-- What a turn counts in budgets, also where its cost is not known. Null for turns from before: those count their cost.
ALTER TABLE turns ADD COLUMN budget_usd REAL;
-- What the agent of a change has spent for it outside of turns.
ALTER TABLE change_spans ADD COLUMN outside_usd REAL NOT NULL DEFAULT 0;
ALTER TABLE change_spans ADD COLUMN outside_output INTEGER NOT NULL DEFAULT 0;
ALTER TABLE change_spans ADD COLUMN outside_input INTEGER NOT NULL DEFAULT 0;
`,
  `
-- 1 if an operator was shown all Nix code of the commit: only that is built into a system.
ALTER TABLE approvals ADD COLUMN nix_read INTEGER NOT NULL DEFAULT 0;
`,
];
