# The host: the daemon as a service, its user, and hivectl.
{ config, lib, ... }:
let
  cfg = config.services.hive-c0re;
  unit = import ./unit.nix { inherit cfg; };
in
{
  options.services.hive-c0re = import ./options.nix { inherit lib; };

  config = lib.mkIf cfg.enable {
    inherit (unit) assertions;

    users.users.hyperhive = {
      isSystemUser = true;
      group = "hyperhive";
      description = "hyperhive daemon";
    };
    users.groups.hyperhive.members = cfg.adminUsers;

    environment.systemPackages = [ cfg.package ];

    # The folder of sockets belongs to the daemon, and outlives it: cages have folders of it bound.
    systemd.tmpfiles.settings.hyperhive."/run/hyperhive".d = {
      user = "hyperhive";
      group = "hyperhive";
      mode = "0751";
    };

    # The script and the unit of containers.
    boot.enableContainers = lib.mkIf unit.hasContainers true;

    systemd.slices.hyperhive = {
      description = "hyperhive: the daemon and its cages";
      inherit (unit) sliceConfig;
    };

    systemd.services.hive-c0re = {
      description = "hyperhive daemon";
      documentation = [ "man:hivectl(1)" ];
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      inherit (unit) environment serviceConfig;
    };
  };
}
