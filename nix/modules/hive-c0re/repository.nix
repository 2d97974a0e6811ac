# The options of one repository: the settings of `hivectl repo set`.
{ lib }:
let
  inherit (lib) mkOption types;
in
{
  create = mkOption {
    type = types.bool;
    default = true;
    example = false;
    description = "Whether the hive makes the repository, empty, if it is missing. With false it takes the declared settings when you add it from a folder: `hivectl repo add <name> <folder>`.";
  };

  base = mkOption {
    type = types.str;
    default = "main";
    example = "develop";
    description = "The branch that changes are merged into unless they name another one.";
  };

  check = mkOption {
    type = types.str;
    default = "";
    example = "npm ci && npm test";
    description = "A command that runs on each merge, in a cage of its own. The change is merged if it ends with 0.";
  };

  check_on = mkOption {
    type = types.enum [
      "merge"
      "propose"
    ];
    default = "merge";
    example = "propose";
    description = "When the check runs: at the merge, or also when a change is proposed.";
  };

  setup = mkOption {
    type = types.str;
    default = "";
    example = "npm ci";
    description = "A command that makes a fresh clone ready to build. It runs before the check too.";
  };

  merge = mkOption {
    type = types.enum [
      "merge"
      "squash"
      "rebase"
    ];
    default = "merge";
    example = "squash";
    description = "How a change is merged.";
  };

  policy = mkOption {
    type = types.enum [
      "operator"
      "reviewed"
      "checks"
    ];
    default = "operator";
    example = "reviewed";
    description = "Who decides on a change: the operator, a reviewer with the operator's veto, or the check.";
  };

  reviewers = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "lint" ];
    description = "Agents whose review merges, under the policy `reviewed`.";
  };

  protected = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "deploy/**" ];
    description = "Paths that only the operator may approve, besides those of every repository.";
  };

  egress = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "registry.example.org" ];
    description = "Hosts that setup and check reach when a change is checked: name, name:port or *.name. A workspace reaches what its agent's own list names.";
  };

  author = mkOption {
    type = types.str;
    default = "";
    example = "Name <mail@example.org>";
    description = "The author of the agents' commits. Empty: each agent's own name.";
  };

  push = mkOption {
    type = types.enum [
      "never"
      "after-merge"
    ];
    default = "never";
    example = "after-merge";
    description = "When a base is written to the folder that the repository follows, as the branch `hive/<base>`.";
  };

  forge = mkOption {
    type = types.enum [
      "none"
      "github"
      "forgejo"
    ];
    default = "none";
    example = "github";
    description = "The program of the other host, if approved changes become pull requests there. Needs a repository that follows another host, and `push` never.";
  };

  forge_text = mkOption {
    type = types.enum [
      "inert"
      "as-written"
    ];
    default = "inert";
    example = "as-written";
    description = "What becomes of mentions and references to issues that agents write in pull requests.";
  };
}
