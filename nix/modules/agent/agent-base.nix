# A sub-agent: the programs that a developer expects at hand. An agent adds its own with environment.systemPackages.
{ pkgs, ... }:
{
  imports = [ ./harness-base.nix ];

  environment.systemPackages = [
    pkgs.curl
    pkgs.jq
    pkgs.python3
    pkgs.ripgrep
  ];
}
