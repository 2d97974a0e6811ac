# The options hyperhive.* of an agent: the keys of agent.json. A test compares them with its schema; docs/nixos.md lists
# them.
{ lib }:
let
  inherit (lib) mkOption types;

  mcpServer = {
    command = mkOption {
      type = types.str;
      example = "/config/chat-bridge";
      description = "The program: a path in the cage, or a name on its PATH.";
    };
    args = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/config/notes.mjs" ];
      description = "Its arguments.";
    };
    env = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        NOTES = "/state/notes";
      };
      description = "Its environment, besides that of the cage.";
    };
    resident = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether the harness runs the server for the life of the cage. Such a cage never sleeps.";
    };
  };

  mount = {
    host = mkOption {
      type = types.str;
      example = "/srv/corpus";
      description = "The folder of the host. Its path has no symbolic link.";
    };
    cage = mkOption {
      type = types.str;
      example = "/corpus";
      description = "Its place in the cage.";
    };
    mode = mkOption {
      type = types.enum [
        "ro"
        "rw"
      ];
      default = "ro";
      example = "rw";
      description = "Whether the agent may write there.";
    };
  };

  repo = {
    name = mkOption {
      type = types.str;
      example = "web";
      description = "A repository of the hive.";
    };
    base = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "develop";
      description = "The branch from which work begins. Null is the repository's own.";
    };
    access = mkOption {
      type = types.enum [
        "write"
        "read"
      ];
      default = "write";
      example = "read";
      description = "Whether the agent may push branches and propose changes.";
    };
    project = mkOption {
      type = types.nullOr types.bool;
      default = null;
      example = true;
      description = "Whether the agent follows the repository's CLAUDE.md, skills and commands.";
    };
  };

  api = {
    url = mkOption {
      type = types.str;
      example = "https://api.github.com";
      description = "The address of the API: https, a host, and a path if all calls have it.";
    };
    secret = mkOption {
      type = types.str;
      example = "GH";
      description = "The secret of the hive that is added.";
    };
    header = mkOption {
      type = types.str;
      example = "authorization: Bearer {}";
      description = "The header with the secret, in place of `{}`.";
    };
    allow = mkOption {
      type = types.listOf types.str;
      example = [ "GET /repos/**" ];
      description = "What may be called: a method and a path, with `*` for one segment and `**` at the end for any.";
    };
  };

  submodule = options: types.submodule { inherit options; };
in
{
  model = mkOption {
    type = types.str;
    default = "sonnet";
    example = "haiku";
    description = "The model: an alias or a full id.";
  };

  description = mkOption {
    type = types.str;
    default = "";
    example = "reads the mail of the project and sums it up";
    description = "One line about the agent, for its manager and itself.";
  };

  allowedRecipients = mkOption {
    type = types.nullOr (types.listOf types.str);
    default = null;
    example = [ "scribe" ];
    description = "The agents that it may send to. Null is all of them. Manager and operator can always be reached.";
  };

  extraMcpServers = mkOption {
    type = types.attrsOf (submodule mcpServer);
    default = { };
    example = {
      chat = {
        command = "/config/chat-bridge";
        resident = true;
      };
    };
    description = "MCP servers on stdio that run in the cage, by name.";
  };

  tools = {
    allow = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "WebFetch" ];
      description = "Tools that it may use besides Bash, Read, Write, Edit, Glob, Grep and NotebookEdit.";
    };
    deny = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "Bash(git push *)" ];
      description = "Tools that it may not use. They win over `tools.allow`.";
    };
  };

  egress = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [
      "api.github.com"
      "*.debian.org"
    ];
    description = "Hosts that programs in the cage reach through the proxy: `host`, `host:port` or `*.host`.";
  };

  env = mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = {
      TZ = "Europe/Berlin";
    };
    description = "Variables of Claude Code and of the programs that it starts.";
  };

  secrets = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "NPM_TOKEN" ];
    description = "Secrets of the hive that it reads in its environment, as variables of their names. It can send them anywhere that it reaches.";
  };

  credential = mkOption {
    type = types.nullOr types.str;
    default = null;
    example = "work";
    description = "The credential of the hive with which it asks the model, as `hivectl credential add` has named it. With null, the hive's own.";
  };

  apis = mkOption {
    type = types.attrsOf (submodule api);
    default = { };
    example = {
      github = {
        url = "https://api.github.com";
        secret = "GH";
        header = "authorization: Bearer {}";
        allow = [ "GET /repos/**" ];
      };
    };
    description = "APIs that its programs call through the hive, at `$HIVE_API_<NAME>`. The hive adds the secret, which the agent never has.";
  };

  limits = {
    memory_mib = mkOption {
      type = types.ints.between 256 1048576;
      default = 2048;
      example = 4096;
      description = "The memory of the whole cage, in MiB.";
    };
    cpu_percent = mkOption {
      type = types.ints.between 5 100000;
      default = 200;
      example = 400;
      description = "The processor time of the whole cage. 100 is one core.";
    };
    pids = mkOption {
      type = types.ints.between 32 100000;
      default = 512;
      example = 1024;
      description = "Its processes and threads.";
    };
    disk_mib = mkOption {
      type = types.ints.between 16 67108864;
      default = 10240;
      example = 51200;
      description = "The room of its own folders on disk, in MiB.";
    };
  };

  budget = {
    cost_per_day_usd = mkOption {
      type = types.nullOr (types.numbers.between 0.01 1000000);
      default = null;
      example = 5;
      description = "US dollars a day.";
    };
    cost_per_turn_usd = mkOption {
      type = types.nullOr (types.numbers.between 0.01 1000000);
      default = null;
      example = 0.5;
      description = "US dollars a turn.";
    };
    output_tokens_per_day = mkOption {
      type = types.nullOr (types.ints.between 1 1000000000000);
      default = null;
      example = 200000;
      description = "Tokens of output a day.";
    };
    input_tokens_per_day = mkOption {
      type = types.nullOr (types.ints.between 1 1000000000000);
      default = null;
      example = 1000000;
      description = "Tokens of input a day that no cache serves.";
    };
    turns_per_hour = mkOption {
      type = types.nullOr (types.ints.between 1 1000000);
      default = null;
      example = 20;
      description = "Turns in an hour of the clock.";
    };
    messages_per_minute = mkOption {
      type = types.nullOr (types.ints.between 1 1000000);
      default = null;
      example = 30;
      description = "Messages that it sends in a minute of the clock.";
    };
    cost_per_change_usd = mkOption {
      type = types.nullOr (types.numbers.between 0.01 1000000);
      default = null;
      example = 20;
      description = "US dollars for each change, from its first push to its end.";
    };
    output_tokens_per_change = mkOption {
      type = types.nullOr (types.ints.between 1 1000000000000);
      default = null;
      example = 500000;
      description = "Tokens of output for each change.";
    };
    input_tokens_per_change = mkOption {
      type = types.nullOr (types.ints.between 1 1000000000000);
      default = null;
      example = 5000000;
      description = "Tokens of input for each change that no cache serves.";
    };
  };

  mounts = mkOption {
    type = types.listOf (submodule mount);
    default = [ ];
    example = [
      {
        host = "/srv/corpus";
        cage = "/corpus";
      }
    ];
    description = "Folders of the host in the cage.";
  };

  repos = mkOption {
    type = types.listOf (submodule repo);
    default = [ ];
    example = [ { name = "web"; } ];
    description = "Repositories of the hive that it works on, each at `/work/<name>`. The first is its working folder.";
  };

  cli = mkOption {
    type = types.enum [ "claude" ];
    default = "claude";
    description = "The program that runs the turns.";
  };
}
