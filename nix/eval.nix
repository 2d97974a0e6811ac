# What `npm run nixos-eval` evaluates: the flake's outputs and the template's host, with a nixpkgs at hand.
{
  nixpkgs,
  # The agent.nix that every agent begins with.
  agentNix ? { },
}:
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
      # As the flake of nixpkgs has it.
      lib = lib // {
        nixosSystem =
          arguments: import (source + "/nixos/lib/eval-config.nix") ({ inherit lib; } // arguments);
      };
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

  agentWith =
    role: module:
    (self.lib.agentSystem {
      name = "coder";
      system = "x86_64-linux";
      inherit role module;
    }).config;
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
  # The same host with containers.
  containers =
    let
      inherit (hostWith { services.hive-c0re.driver = "nixos-container"; }) config;
    in
    {
      toplevel = config.system.build.toplevel.drvPath;
      unit = config.systemd.units."hive-c0re.service".text;
      template = config.systemd.units ? "container@.service";
    };
  # An agent that adds a program and an MCP server, and the manager.
  agent =
    let
      config = agentWith "agent" (
        { pkgs, ... }:
        {
          imports = [ agentNix ];
          environment.systemPackages = [ pkgs.hello ];
          hyperhive.extraMcpServers.matrix.command = "matrix-bridge";
        }
      );
    in
    {
      toplevel = config.system.build.toplevel.drvPath;
      inherit (config.system.build) agentJson;
      unit = config.systemd.units."hive-ag3nt.service".text;
      hello = lib.any (package: lib.getName package == "hello") config.environment.systemPackages;
    };
  manager = (agentWith "manager" agentNix).system.build.toplevel.drvPath;
  # Has to fail with the option that was meant.
  misspelledOfAgent = (agentWith "agent" { hyperhive.modle = "opus"; }).system.build.toplevel.drvPath;
  # Has to fail with the type that is wanted.
  mistyped = (agentWith "agent" { hyperhive.limits.pids = 1; }).system.build.agentJson;

  # Has to fail with the option that was meant.
  misspelled = (hostWith { services.hive-c0re.dashbordPort = 7100; }).config.system.build.toplevel.drvPath;
}
