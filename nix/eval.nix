# What `npm run nixos-eval` evaluates: the flake's outputs and the template's host, with a nixpkgs at hand.
{
  nixpkgs,
  # The agent.nix that every agent begins with.
  agentNix ? { },
  # Flakes of hosts that the documentation shows, by name.
  examples ? { },
}:
let
  source = nixpkgs;
  lib = import (source + "/lib");
  flake = import ../flake.nix;

  self = {
    # As git has it: what a checkout has besides is large, and may have devices.
    outPath = builtins.path {
      name = "source";
      path = ../.;
      filter =
        path: _:
        !(lib.elem path (
          map (name: toString ../. + "/${name}") [
            ".cache"
            ".dev"
            ".git"
            "dist"
            "node_modules"
          ]
        ));
    };
    inputs.nixpkgs = {
      outPath = source;
      # As the flake of nixpkgs has it.
      lib = lib // {
        nixosSystem =
          arguments: import (source + "/nixos/lib/eval-config.nix") ({ inherit lib; } // arguments);
      };
    };
  }
  // flake.outputs {
    inherit self;
    inherit (self.inputs) nixpkgs;
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

  # The host of a flake that imports this one.
  hostOf =
    file:
    ((import file).outputs {
      self = { };
      inherit (self.inputs) nixpkgs;
      hyperhive = self;
    }).nixosConfigurations.my-host.config;

  # One option with a value, typed by its declaration alone.
  accepts =
    options: path: value:
    let
      inherit
        (lib.evalModules {
          modules = [
            { inherit options; }
            { config = lib.setAttrByPath path value; }
          ];
        })
        config
        ;
    in
    (builtins.tryEval (builtins.deepSeq (lib.getAttrFromPath path config) null)).success;

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
  examples = lib.mapAttrs (
    _: file:
    let
      config = hostOf file;
    in
    {
      toplevel = config.system.build.toplevel.drvPath;
      enabled = config.systemd.services ? hive-c0re;
      failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
    }
  ) examples;
  # With `lib.evalModules` alone: whether an option takes a value.
  types =
    let
      host = accepts (import ./modules/hive-c0re/options.nix { inherit lib; });
      agent = accepts (import ./modules/agent/options.nix { inherit lib; });
    in
    {
      taken = [
        (host [ "dashboardPort" ] 7100)
        (host [ "credentialFile" ] "/run/secrets/key")
        (host [ "limits" "tasksMax" ] 8192)
        (host [ "repositories" ] { web.policy = "reviewed"; })
        (host [ "flakeInput" ] { nixpkgs = source; })
        (agent [ "limits" "pids" ] 64)
        (agent [ "mounts" ] [
          {
            host = "/srv/corpus";
            cage = "/corpus";
          }
        ])
        (agent [ "extraMcpServers" ] { notes.command = "notes"; })
        (agent [ "budget" "cost_per_day_usd" ] 0.5)
      ];
      refused = [
        (host [ "dashboardPort" ] 70000)
        (host [ "bindAddress" ] 7000)
        (host [ "driver" ] "docker")
        (host [ "credentialFile" ] "secret")
        (host [ "stateDir" ] "${source}")
        (host [ "adminUsers" ] "alice")
        (host [ "limits" "tasksMax" ] 0)
        (host [ "settings" ] { HIVE_MAX_HOPS = 7; })
        (host [ "repositories" ] { web.policy = "none"; })
        (agent [ "limits" "pids" ] 1)
        (agent [ "cli" ] "other")
        (agent [ "mounts" ] [ { host = "/srv/corpus"; } ])
        (agent [ "extraMcpServers" ] { notes.command = 1; })
        (agent [ "budget" "cost_per_day_usd" ] (-1))
      ];
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
