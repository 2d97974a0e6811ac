# What `npm run nixos-host` takes from the real modules: the unit and the start script of containers on a NixOS host, and
# the unit of the harness in the system of an agent.
{ nixpkgs, hyperhive }:
let
  lib = import (nixpkgs + "/lib");
  system =
    modules:
    (import (nixpkgs + "/nixos/lib/eval-config.nix") {
      inherit lib;
      system = null;
      modules = modules ++ [ { nixpkgs.hostPlatform = builtins.currentSystem; } ];
    }).config;

  host = system [
    {
      boot.enableContainers = true;
      boot.loader.grub.enable = false;
      fileSystems."/" = {
        device = "/dev/sda1";
        fsType = "ext4";
      };
      system.stateVersion = lib.trivial.release;
    }
  ];
  agent = system [ (hyperhive + "/nix/modules/agent/agent-base.nix") ];
in
{
  unit = host.systemd.units."container@.service".text;
  inherit (host.systemd.services."container@") preStart script postStart;
  harness = agent.systemd.units."hive-ag3nt.service".text;
}
