{
  description = "A NixOS host that runs hyperhive";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    # The address that you cloned hyperhive from.
    hyperhive.url = "git+https://git.example.org/hyperhive";
  };

  outputs =
    { nixpkgs, hyperhive, ... }:
    {
      nixosConfigurations.my-host = nixpkgs.lib.nixosSystem {
        system = "x86_64-linux";
        modules = [
          hyperhive.nixosModules.hive-c0re
          ./configuration.nix
        ];
      };
    };
}
