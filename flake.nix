{
  description = "A swarm of Claude Code agents on one host, each in its own cage";

  # Claude Code has to be as new as the SDK of package.json, so releases of nixpkgs are too old.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];

      # An instantiation of our own: Claude Code is unfree, and the host's pkgs need no setting and no overlay for it.
      pkgsFor = lib.genAttrs systems (
        system:
        import nixpkgs {
          inherit system;
          config.allowUnfreePredicate = package: lib.getName package == "claude-code";
        }
      );
      forAllSystems = f: lib.genAttrs systems (system: f system pkgsFor.${system});
    in
    {
      packages = forAllSystems (
        _: pkgs: {
          default = pkgs.callPackage ./nix/package.nix { };
        }
      );

      checks = forAllSystems (
        system: pkgs:
        # What callPackage adds to the set is no check.
        removeAttrs (pkgs.callPackage ./nix/checks.nix {
          src = self;
          inherit (self.lib) agentSystem;
          modules = self.nixosModules;
          package = self.packages.${system}.default;
        }) [ "override" "overrideDerivation" ]
      );

      nixosModules = {
        hive-c0re =
          { lib, pkgs, ... }:
          {
            imports = [ ./nix/modules/hive-c0re ];
            services.hive-c0re.package =
              lib.mkDefault
                self.packages.${pkgs.stdenv.hostPlatform.system}.default;
            # What the systems of agents are built from.
            services.hive-c0re.flakeInput = lib.mapAttrs (_: lib.mkDefault) {
              hyperhive = self.outPath;
              nixpkgs = nixpkgs.outPath;
            };
          };
        default = self.nixosModules.hive-c0re;

        # For the systems of agents, which the hive builds.
        harness-base = ./nix/modules/agent/harness-base.nix;
        agent-base = ./nix/modules/agent/agent-base.nix;
        manager = ./nix/modules/agent/manager.nix;
      };

      # The system of an agent, for the flake that a hive writes: it names each agent with its role and its module.
      lib.agentSystem =
        {
          name,
          role,
          system,
          module,
        }:
        lib.nixosSystem {
          inherit system;
          modules = [
            {
              agent = ./nix/modules/agent/agent-base.nix;
              manager = ./nix/modules/agent/manager.nix;
            }
            .${role}
            { networking.hostName = "h-${name}"; }
            module
          ];
        };

      templates.default = {
        path = ./nix/template;
        description = "A NixOS host that runs hyperhive";
      };

      formatter = forAllSystems (_: pkgs: pkgs.callPackage ./nix/formatter.nix { });

      devShells = forAllSystems (
        _: pkgs: {
          default = pkgs.callPackage ./nix/shell.nix { };
        }
      );
    };
}
