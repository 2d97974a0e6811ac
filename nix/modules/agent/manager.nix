# The manager hm1nd: it edits the configs of the others, with git.
{ pkgs, ... }:
{
  imports = [ ./harness-base.nix ];

  environment.systemPackages = [
    pkgs.jq
    pkgs.ripgrep
  ];
}
