# What `npm run nixos-eval` evaluates: the flake's outputs and the template's host, with a nixpkgs at hand.
{ nixpkgs }:
let
  source = nixpkgs;
  lib = import (source + "/lib");
  flake = import ../flake.nix;

  self = {
    outPath = ../.;
  }
  // flake.outputs {
    inherit self;
    nixpkgs = {
      outPath = source;
      inherit lib;
    };
  };

  hostWith =
    module:
    import (source + "/nixos/lib/eval-config.nix") {
      inherit lib;
      system = null;
      modules = [
        self.nixosModules.hive-c0re
        ./template/configuration.nix
        {
          nixpkgs.hostPlatform = "x86_64-linux";
          boot.loader.grub.enable = false;
          fileSystems."/" = {
            device = "/dev/sda1";
            fsType = "ext4";
          };
        }
        module
      ];
    };
  inherit (hostWith { }) config;
  drvsOf = lib.mapAttrs (_: lib.mapAttrs (_: drv: drv.drvPath));
in
{
  packages = drvsOf self.packages;
  checks = drvsOf self.checks;
  devShells = drvsOf self.devShells;
  host = {
    toplevel = config.system.build.toplevel.drvPath;
    unit = config.systemd.units."hive-c0re.service".text;
    openPorts = config.networking.firewall.allowedTCPPorts;
    overlays = lib.length config.nixpkgs.overlays;
  };
  # Has to fail with the option that was meant.
  misspelled = (hostWith { services.hive-c0re.dashbordPort = 7100; }).config.system.build.toplevel.drvPath;
}
