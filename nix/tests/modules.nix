# The modules evaluate, and refuse what the daemon would refuse. Evaluated with `nix flake check`; the build only writes
# down that it went well.
{
  lib,
  modules,
  pkgs,
  writeText,
}:
let
  evaluated =
    module:
    import (pkgs.path + "/nixos/lib/eval-config.nix") {
      system = null;
      modules = [
        {
          nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
          boot.loader.grub.enable = false;
          fileSystems."/".device = "/dev/sda1";
          fileSystems."/".fsType = "ext4";
          system.stateVersion = lib.trivial.release;
        }
        module
      ];
    };
  host =
    hive:
    (evaluated {
      imports = [ modules.hive-c0re ];
      services.hive-c0re = hive;
    }).config;
  refusals = hive: map (one: one.message) (lib.filter (one: !one.assertion) (host hive).assertions);
  agent = hyperhive: {
    imports = [ modules.agent-base ];
    networking.hostName = "coder";
    inherit hyperhive;
  };
  fails = value: !(builtins.tryEval (builtins.deepSeq value null)).success;

  enabled = host { enable = true; };
  disabled = host { };

  cases = {
    "importing the module changes nothing before it is enabled" =
      !(disabled.systemd.services ? hive-c0re) && !(disabled.users.users ? hyperhive);
    "one option is enough" = refusals { enable = true; } == [ ];
    "no port is opened" = enabled.networking.firewall.allowedTCPPorts == [ ];
    "the host's pkgs get no overlay" = enabled.nixpkgs.overlays == [ ];
    "admins are in the group of the socket" =
      (host {
        enable = true;
        adminUsers = [ "alice" ];
      }).users.groups.hyperhive.members == [ "alice" ];
    "the dashboard is not served unencrypted to the network" =
      lib.length (refusals {
        enable = true;
        bindAddress = "10.0.0.2";
      }) == 1;
    "the environment of the service is not set twice" =
      lib.length (refusals {
        enable = true;
        settings.HIVE_PORT = "1";
      }) == 1;
    "a port is a number" = fails (host {
      enable = true;
      dashboardPort = "many";
    }).systemd.services.hive-c0re.environment;
    "a policy is one of three" = fails (host {
      enable = true;
      repositories.web.policy = "none";
    }).services.hive-c0re.repositories.web.policy;
    "an agent's options have the names of agent.json" =
      (evaluated (agent { limits.pids = 64; })).config.hyperhive.limits.pids == 64;
    "an agent's limits have a range" =
      fails (evaluated (agent { limits.pids = 1; })).config.hyperhive.limits.pids;
  };
  failed = lib.attrNames (lib.filterAttrs (_: holds: !holds) cases);
in
if failed == [ ] then
  writeText "hyperhive-modules" (lib.concatLines (lib.attrNames cases))
else
  throw "of the modules this does not hold: ${lib.concatStringsSep "; " failed}"
