/** What the help of a verb adds after its options. */
export interface More {
  /** Background that the user needs first. */
  words?: string;
  /** Command lines to copy. */
  examples: readonly string[];
}

/** Examples for every verb that takes arguments. The help and the man page print them. */
export const MORE: Readonly<Record<string, More>> = {
  status: { examples: ["hivectl status", "hivectl status --json | jq -r '.agents[] | select(.unread > 0).name'"] },
  top: {
    words:
      "Keys: j and k or the arrows select an agent, a request or a question; Enter shows its details, o the address of its page, t the tail; a approves, c cancels the turn, s stops, S starts, p pauses and resumes; ? lists them, q quits.",
    examples: ["hivectl top"],
  },
  list: { examples: ["hivectl list --long", "for name in $(hivectl list); do hivectl logs $name -n 1; done"] },
  spawn: {
    examples: [
      'hivectl spawn scout --description "looks things up" --model haiku',
      "hivectl spawn api --repo web --repo docs:read",
      "hivectl spawn scout --config agent.json --instructions INSTRUCTIONS.md",
    ],
  },
  start: { examples: ["hivectl start scout ada", "hivectl start --all"] },
  stop: { examples: ["hivectl stop scout", "hivectl stop --all"] },
  kill: { examples: ["hivectl kill scout"] },
  restart: { examples: ["hivectl restart scout ada"] },
  pause: { examples: ["hivectl pause scout", "hivectl pause --all"] },
  resume: { examples: ["hivectl resume scout", "hivectl resume --all"] },
  revive: { examples: ["hivectl tombstones", "hivectl revive scout"] },
  destroy: { examples: ["hivectl destroy scout", "hivectl destroy scout --purge --yes --note 'no longer needed'"] },
  logs: { examples: ["hivectl logs scout -n 50", "hivectl logs scout --follow", "hivectl logs scout --system --follow"] },
  config: { examples: ["hivectl config scout", "hivectl config scout --json | jq -r '.files[].path'"] },
  files: { examples: ["hivectl files scout", "hivectl files scout /state/notes"] },
  file: { examples: ["hivectl file scout /state/notes.md", "hivectl file scout notes.md"] },
  cp: {
    examples: ["hivectl cp scout:/state/report.pdf .", "hivectl cp scout:/work/web/dist ./dist", "hivectl cp ./data.csv scout:"],
  },
  send: {
    examples: [
      "hivectl send @hm1nd hello",
      "hivectl send '*' 'stop what you do and report'",
      "git log -5 | hivectl send @scout -",
      "hivectl send @scout --file shot.png 'what is wrong here?'",
      "hivectl send @hm1nd --wait --timeout 5m 'how are things?'",
    ],
  },
  inbox: { examples: ["hivectl inbox --unread", "hivectl inbox --peek -n 5"] },
  messages: { examples: ["hivectl messages scout -n 10", "hivectl messages --before 1200"] },
  message: { examples: ["hivectl message 1200", "hivectl message 1200 --json | jq -r .message.body"] },
  retry: { examples: ["hivectl retry 1204"] },
  drop: { examples: ["hivectl drop 1204"] },
  "let-go": { examples: ["hivectl let-go 1204"] },
  loops: { examples: ["hivectl loops", "hivectl loops --json | jq '.loops[] | select(.held).chain'"] },
  questions: { examples: ["hivectl questions", "hivectl questions --all"] },
  question: { examples: ["hivectl question 17"] },
  answer: {
    examples: [
      "hivectl answer 17 'scout owns it'",
      "hivectl answer 17 2",
      "hivectl answer 17 --option 1 3",
      "hivectl answer 17 --text 42",
    ],
  },
  "close-question": { examples: ["hivectl close-question 17"] },
  tail: {
    examples: ["hivectl tail scout", "hivectl tail scout -n 200 --no-follow", "hivectl tail scout --json | jq -c .event"],
  },
  watch: { examples: ["hivectl watch", "hivectl watch --json | jq -c 'select(.kind == \"message\")'"] },
  turns: { examples: ["hivectl turns scout", "hivectl turns scout -n 5 --before 120"] },
  cancel: { examples: ["hivectl cancel scout", "hivectl cancel scout --return"] },
  compact: { examples: ["hivectl compact scout", "hivectl compact scout --timeout 30s"] },
  model: { examples: ["hivectl model scout opus"] },
  "new-session": { examples: ["hivectl new-session scout"] },
  cost: {
    words: "Days are those of HIVE_TIME_ZONE. A request to a model without a price counts its tokens and no cost.",
    examples: ["hivectl cost", "hivectl cost scout -n 31", "hivectl cost --json | jq .total.cost_usd"],
  },
  usage: {
    words:
      "Days are those of HIVE_TIME_ZONE. A request to a model without a price counts its tokens and no cost. `hivectl cost` lists the same day by day, over the whole history.",
    examples: [
      "hivectl usage",
      "hivectl usage --by day,model --days 7",
      "hivectl usage scout",
      "hivectl usage --by change",
      "hivectl usage --by day,agent,model --days 90 --csv > usage.csv",
    ],
  },
  egress: {
    words: "--propose makes a request like any other: nothing is allowed before it is approved and deployed.",
    examples: [
      "hivectl egress scout",
      "hivectl egress scout --propose example.org",
      "hivectl egress scout --propose example.org:8443",
    ],
  },
  "budget list": { examples: ["hivectl budget list", "hivectl budget list scout --json | jq .over"] },
  "budget set": {
    words:
      "A day is one of the operator's time zone, an hour begins with the clock's. Context that a cache serves is not counted as input. A limit of cost needs the price of every model: see HIVE_PRICES. At the limit an agent ends its turn, keeps its message, and asks you.",
    examples: [
      "hivectl budget set scout --cost-per-day 5 --turns-per-hour 20",
      "hivectl budget set --default --output-per-day 200000",
      "hivectl budget set --hive --cost-per-day none",
    ],
  },
  "budget raise": { examples: ["hivectl budget raise scout", "hivectl budget raise --hive --by 10"] },
  "budget lift": { examples: ["hivectl budget lift scout"] },
  "budget stop": { examples: ["hivectl budget stop scout"] },
  requests: { examples: ["hivectl requests --open", "hivectl requests scout -n 5"] },
  check: { examples: ["hivectl check", "hivectl check --all"] },
  show: { examples: ["hivectl show 12", "hivectl show 12 --base parent", "hivectl show 12 --json"] },
  approve: {
    words:
      "The approval covers exactly what you saw: it is refused if what runs has changed meanwhile. A file that is too long to be shown, or is not text, has to be named.",
    examples: [
      "hivectl approve 12",
      "hivectl approve 12 --sha 3f2a91c04d1e --wait",
      "hivectl approve 12 --unshown data/list.txt",
    ],
  },
  deny: { examples: ['hivectl deny 12 --note "no new hosts this week"'] },
  "cancel-request": { examples: ["hivectl cancel-request 12"] },
  "build-log": { examples: ["hivectl build-log 12", "hivectl build-log 12 --follow"] },
  "request-spawn": { examples: ['hivectl request-spawn scout --description "looks things up"'] },
  propose: {
    words: "To correct a request that was denied or failed: save its config into a folder, edit it and propose the folder.",
    examples: [
      "hivectl propose hm1nd ./hm1nd-config --description 'may reach example.org'",
      "hivectl config scout --request 12 --to ./scout-config",
      "hivectl propose scout ./scout-config",
      "hivectl propose scout --from 12",
    ],
  },
  rollback: { examples: ["hivectl deploys scout", "hivectl rollback scout 7 --wait"] },
  rebuild: { examples: ["hivectl rebuild scout --wait", "hivectl rebuild --all"] },
  update: { examples: ["hivectl update scout", "hivectl update --all --wait --timeout 30m"] },
  force: { examples: ["hivectl force 12"] },
  "repo add": {
    words:
      "A folder is a clone, a bare repository or a work tree on this machine. A file hive-export in its git folder lets the hive read it, as the folder's owner; the hive writes nothing there unless you set --push. An address is another host, over https or ssh; the daemon keeps its token or key in a file of its own and uses it for that host only. Over ssh the host key is shown, and no other one is accepted later. With --push after-merge a merge is pushed to the base of that host, and counts only if the host takes it. A host with a private address needs --private. Without either the repository is empty: push to it with git, see repo remote.",
    examples: [
      "hivectl repo add web ~/src/web --check 'npm ci && npm test'",
      "hivectl repo add web ~/src/web --policy reviewed --reviewer ada",
      "hivectl repo add web https://git.lan/o/web.git --token-stdin < token",
      "hivectl repo add web https://git.lan/o/web.git --private --ca ca.pem",
      "hivectl repo add web git@git.lan:o/web.git --new-key",
      "hivectl repo add web git@git.lan:o/web.git --key-stdin < deploy-key",
      "hivectl repo add notes --base main",
    ],
  },
  "repo login": {
    words:
      "Only for a repository that follows another host. The token, or the key for ssh, replaces the one that the hive has. It is in no backup and never shown; give it again after a restore.",
    examples: [
      "hivectl repo login web --token-stdin < token",
      "hivectl repo login web --none",
      "hivectl repo login web --forge-token-stdin < token",
    ],
  },
  "repo trust": {
    words:
      "Only for a repository that follows another host over ssh. Fetches and pushes stop when the host shows another key than the one that was confirmed. This shows both, and asks. With --host-key it accepts that fingerprint alone.",
    examples: ["hivectl repo trust web", 'hivectl repo trust web --host-key "$FINGERPRINT"'],
  },
  "repo list": { examples: ["hivectl repo list", "hivectl repo list --json | jq -r '.repos[].name'"] },
  "repo show": { examples: ["hivectl repo show web"] },
  "repo set": {
    examples: [
      "hivectl repo set web --merge squash --protect 'deploy/**'",
      "hivectl repo set web --policy checks --check 'npm ci && npm test'",
      "hivectl repo set web --check 'npm test' --check-on propose",
      "hivectl repo set web --push after-merge",
      "hivectl repo set web --forge github --push never",
      "hivectl repo set web --author '' --reviewer ''",
    ],
  },
  "repo fetch": { examples: ["hivectl repo fetch web"] },
  "repo push": {
    words:
      "Only a repository with --push after-merge is written to what it follows: see repo set. In a folder the hive writes the branch hive/<base> and nothing else, as the folder's owner, as long as the file hive-export is there; it pushes after each merge by itself, and the verb tries again what failed. On another host it moves the base itself, forward only; a base that has diverged is written to hive/<id of the hive>/<base> there, where you merge it.",
    examples: ["hivectl repo push web", "hivectl repo push web --base release/1.x"],
  },
  "repo reconcile": {
    words:
      "A base has diverged if the hive and the folder that it follows each have commits that the other lacks. Without a way, the verb prints both sides. merge: both are merged in the hive; the check does not run on it. reset: the base becomes what the folder has, after the changes that this takes out of it are listed; their rows stay merged, and the old tip is kept under refs/kept. undo: the base becomes again what the last reset has kept. repo push writes the hive's side to the folder, where you merge it. Or merge both yourself in a clone with the remote hive, and run repo fetch.",
    examples: [
      "hivectl repo reconcile web",
      "hivectl repo reconcile web merge",
      "hivectl repo reconcile web reset --base release/1.x",
      "hivectl repo reconcile web undo",
    ],
  },
  "repo gc": { examples: ["hivectl repo gc web --dry-run", "hivectl repo gc web", "hivectl repo gc web --now"] },
  "repo remove": { examples: ["hivectl repo remove web", "hivectl repo remove web --yes"] },
  "repo include": {
    words:
      "An included file is in no commit: it is copied into a workspace when that is made, before the set-up, and listed in its .git/info/exclude. A file that git tracks is not replaced. Every agent with the repository can read it, and its approval names it. Checks do not get it.",
    examples: [
      "hivectl repo include web ./.env ./config/local.json",
      "hivectl repo include web ~/keys/dev.env --as .env",
      "hivectl repo include web --list",
      "hivectl repo include web --remove .env",
    ],
  },
  "repo pause": { examples: ["hivectl repo pause web", "hivectl repo pause web --base release/1.x"] },
  "repo resume": { examples: ["hivectl repo resume web"] },
  "work list": {
    examples: ["hivectl work list", "hivectl work list scout --json | jq '.workspaces[] | select(.in_config | not)'"],
  },
  "work diff": { examples: ["hivectl work diff scout web", "hivectl work diff scout web --file src/app.ts"] },
  "work drop": { examples: ["hivectl work drop scout web", "hivectl work drop scout web --yes"] },
  "work retry": { examples: ["hivectl repo set web --setup 'npm ci' && hivectl work retry scout"] },
  "work skip": { examples: ["hivectl work skip scout"] },
  "repo remote": {
    words: "git asks for a token at each use, and the hive answers with one of ten minutes: no password is stored.",
    examples: [
      "hivectl repo remote web",
      "hivectl repo remote web --add && git -C ~/src/web fetch hive",
      "hivectl repo remote web ~/other/clone --add",
    ],
  },
  "repo credential": {
    words: "git runs it; `hivectl repo remote --add` puts it into the settings of a clone.",
    examples: ["git config credential.<url>.helper '!hivectl repo credential web'", "hivectl repo credential web get </dev/null"],
  },
  "change list": {
    examples: ["hivectl change list --repo web", "hivectl change list --agent scout --all -n 20"],
  },
  "change show": {
    examples: [
      "hivectl change show 12",
      "hivectl change show 12 --against last-reviewed",
      "hivectl change show 12 --file src/parser.ts",
    ],
  },
  "change approve": {
    words:
      "The approval covers exactly the commit that you saw. A base that moves does not void it; a new commit does. A file that is too long to be shown, or is not text, has to be named.",
    examples: [
      "hivectl change approve 12",
      "hivectl change approve 12 --sha 3f2a91c04d1e --wait",
      "hivectl change approve 12 --unshown logo.png",
    ],
  },
  "change deny": { examples: ["hivectl change deny 12 --note 'we drop that page'"] },
  "change comment": {
    examples: [
      "hivectl change comment 12 'split this in two changes'",
      "hivectl change comment 12 'who closes it?' --file src/a.ts --line 40",
      "hivectl change comment 12 'keep this' --file src/a.ts --line 38 --old",
    ],
  },
  "change return": { examples: ["hivectl change return 12 --note 'see the comments'"] },
  "change withdraw": { examples: ["hivectl change withdraw 12 --note 'done elsewhere'"] },
  "change retry": { examples: ["hivectl change retry 12", "hivectl change retry 12 --wait --timeout 1h"] },
  "change dequeue": { examples: ["hivectl change dequeue 12"] },
  "change front": { examples: ["hivectl change front 12"] },
  "change revert": { examples: ["hivectl change revert 12 --note 'breaks the login'"] },
  "change log": { examples: ["hivectl change log 12 -n 50", "hivectl change log 12 --follow"] },
  "change checkout": {
    words:
      "Runs in a clone with the remote hive (repo remote --add). No branch moves, no hook runs, and no submodule is fetched. The code is an agent's: read it before you run it.",
    examples: ["hivectl change checkout 12", "hivectl change checkout 12 /tmp/review-12"],
  },
  deploys: { examples: ["hivectl deploys scout -n 5"] },
  "meta-update": { examples: ["hivectl meta-update hyperhive", "hivectl meta-update agent-scout/mcp-matrix"] },
  audit: { examples: ["hivectl audit --request 12", "hivectl audit scout --kind approved --json"] },
  "operator add": {
    words:
      "A viewer reads and cannot act. An operator decides requests and changes, answers, sends and controls agents. An admin also adds operators, changes repositories and their settings, and takes backups. Who opens host.sock is the operator `operator`, an admin. Only a hive that root has started gives a socket to another user than its own.",
    examples: ["hivectl operator add bob --role operator", "hivectl operator add office --role viewer --user alice"],
  },
  "operator set": {
    words:
      "An operator can let its approvals need a passkey, on the page under its name. Then they are refused over its socket, too. If the passkey is lost, the admin of host.sock runs --passkey off; the audit trail records it. Any program that can open host.sock can do the same.",
    examples: ["hivectl operator set bob --role viewer", "hivectl operator set bob --passkey off"],
  },
  "operator remove": { examples: ["hivectl operator remove bob --yes"] },
  "secret set": {
    words:
      "A value is never an argument: other programs can read the arguments of a command. It is kept in a file of the daemon's user, and no verb and no page shows it again. An agent gets it only if an approved config names it.",
    examples: ["hivectl secret set NPM_TOKEN", "hivectl secret set NPM_TOKEN < token.txt"],
  },
  "secret remove": { examples: ["hivectl secret remove NPM_TOKEN", "hivectl secret remove NPM_TOKEN --force --yes"] },
  "credential add": {
    words:
      "A value is never an argument: other programs can read the arguments of a command. It is kept in a file of the daemon's user, and no verb and no page shows it again. An agent uses it only if an approved config names it; nothing changes to another credential by itself.",
    examples: ["hivectl credential add work --token-stdin < key.txt", "hivectl credential add work --file /run/secrets/work-key"],
  },
  "credential remove": { examples: ["hivectl credential remove work", "hivectl credential remove work --force --yes"] },
  login: { examples: ["hivectl login", "hivectl login --model", "hivectl login --model --credential work"] },
  logout: { examples: ["hivectl sessions", "hivectl logout 3", "hivectl logout --model"] },
  shutdown: { examples: ["hivectl shutdown --timeout 2m"] },
  migrate: {
    words:
      "Without an option it changes nothing: it locks and evaluates the config of each agent as a deploy would. State, history, repositories, workspaces, sessions and users stay where they are, and the move itself is a setting of the host (docs/nixos.md).",
    examples: [
      "hivectl migrate",
      "hivectl migrate --build",
      "hivectl migrate scout --build",
      "hivectl migrate --build --reviewed scout@1f0c5a9e27d4",
      "hivectl migrate --undo --yes",
    ],
  },
  backup: {
    words:
      "It contains everything that was acknowledged before it began. Deploys wait while database and repositories are copied; messages and turns continue. The daemon writes it, so the daemon's user needs write access to the folder.",
    examples: ["hivectl backup /srv/backups/hive-$(date +%F)"],
  },
  restore: {
    words:
      "Needs no daemon, and refuses while one runs on the state folder. Every file is compared with the backup's manifest before anything is changed. The folder's earlier content is never deleted.",
    examples: ["hivectl shutdown", "hivectl restore /srv/backups/hive-2026-01-31 --yes"],
  },
  completion: {
    examples: [
      "source <(hivectl completion bash)      # in ~/.bashrc",
      "source <(hivectl completion zsh)       # in ~/.zshrc, after compinit",
      "hivectl completion fish | source       # in ~/.config/fish/config.fish",
    ],
  },
};
