# The options of services.hive-c0re. docs/nixos.md lists them: `npm run nix-options` draws the list.
{ lib }:
let
  inherit (lib)
    literalExpression
    mkEnableOption
    mkOption
    types
    ;
in
{
  enable = mkEnableOption "hyperhive, a swarm of Claude Code agents";

  package = mkOption {
    type = types.package;
    description = "The package of the daemon, root's helper and `hivectl`. The flake's module sets it.";
    defaultText = literalExpression "hyperhive.packages.\${system}.default";
  };

  dashboardPort = mkOption {
    type = types.port;
    default = 7000;
    example = 7100;
    description = "The port of the dashboard. Agents' own pages begin at this port plus 1000.";
  };

  bindAddress = mkOption {
    type = types.str;
    default = "127.0.0.1";
    example = "10.0.0.2";
    description = "The address of the dashboard. Another than a loopback address needs `publicUrl` with https, or `behindProxy`. The module opens no port of the firewall.";
  };

  publicUrl = mkOption {
    type = types.nullOr types.str;
    default = null;
    example = "https://hive.example.org";
    description = "The address that browsers use, when the dashboard is behind a reverse proxy.";
  };

  behindProxy = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = "Whether a proxy with TLS is in front of `bindAddress`.";
  };

  adminUsers = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "alice" ];
    description = "Users who may use `hivectl` as the operator, an admin: they join the group `hyperhive`, which may open `/run/hyperhive/host.sock`. `hivectl operator add` gives a user a lesser role.";
  };

  operatorPronouns = mkOption {
    type = types.str;
    default = "she/her";
    example = "they/them";
    description = "Your pronouns, in the system prompt of every agent. At most 64 characters.";
  };

  modelUpstream = mkOption {
    type = types.nullOr types.str;
    default = null;
    example = "https://models.example.org";
    description = "The base URL of the model's API, or of a proxy in front of it. Null is Anthropic's.";
  };

  credentialFile = mkOption {
    type = types.nullOr types.externalPath;
    default = null;
    example = "/run/secrets/anthropic";
    description = "A file that contains an API key or the token of `claude setup-token`. Systemd passes it to the service, so root alone has to be able to read it. A change counts from the next restart of the service. With null, log in with `hivectl login --model`; until then the hive rehearses.";
  };

  secretFiles = mkOption {
    type = types.attrsOf types.externalPath;
    default = { };
    example = {
      NPM_TOKEN = "/run/secrets/npm";
    };
    description = "Secrets for agents, by name: files that systemd passes to the service, so root alone has to be able to read them ([agents.md](agents.md#secrets)). `hivectl secret` lists them and neither sets nor removes them. A change counts from the next restart of the service.";
  };

  autoUpdate = mkOption {
    type = types.bool;
    default = true;
    example = false;
    description = "Whether agents that run an older version of hyperhive are rebuilt, one at a time and between turns. Without it they are marked, and `hivectl update` rebuilds them.";
  };

  driver = mkOption {
    type = types.enum [
      "bwrap"
      "nixos-container"
    ];
    default = "bwrap";
    example = "nixos-container";
    description = "What runs the agents: bubblewrap, as on every Linux, or a container of this host for each agent, which boots a NixOS system of its own ([nixos.md](nixos.md#agents-as-containers)).";
  };

  flakeInput = mkOption {
    type = types.attrsOf types.path;
    default = { };
    defaultText = literalExpression "{ hyperhive = self; nixpkgs = nixpkgs; }";
    example = literalExpression "{ nixpkgs = inputs.nixpkgs; }";
    description = "The flakes from which the systems of agents are built, with the driver `nixos-container` and before the move to it: `hyperhive`, and each input of it that is not to be fetched. The flake's module sets its own. Folders of the store, so that locking needs no network; the host's system keeps them there.";
  };

  limits = {
    memoryMax = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "24G";
      description = "The memory that the daemon and all agents may use together: `MemoryMax` of `hyperhive.slice`. Each agent has limits of its own in `agent.json`.";
    };
    cpuQuota = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "600%";
      description = "The processor time that they may use together: `CPUQuota` of `hyperhive.slice`. 100% is one core.";
    };
    tasksMax = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 8192;
      description = "The number of processes and threads that they may have together: `TasksMax` of `hyperhive.slice`.";
    };
  };

  stateDir = mkOption {
    type = types.externalPath;
    default = "/var/lib/hyperhive";
    example = "/srv/hyperhive";
    description = "The folder of all persistent state. The helper makes it and gives it to the user `hyperhive`. Other users have to be able to enter its parents.";
  };

  repositories = mkOption {
    type = types.attrsOf (types.submodule { options = import ./repository.nix { inherit lib; }; });
    default = { };
    example = {
      web = {
        check = "npm ci && npm test";
        policy = "reviewed";
        reviewers = [ "lint" ];
      };
    };
    description = "Repositories that agents work on, by name ([work.md](work.md)). The page and `hivectl` show where they are declared, and change nothing of them. Without its declaration a repository stays, with the settings that it had, and can be changed and removed.";
  };

  settings = mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = {
      HIVE_SLEEP_AFTER_SECONDS = "600";
    };
    description = "Further settings of the daemon, by variable: [operations.md](operations.md#settings). A variable that another option sets is refused.";
  };
}
