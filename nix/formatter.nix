# `nix fmt`: formats TypeScript, JSON, CSS and Nix of the checkout.
{
  callPackage,
  fd,
  nixfmt,
  nodejs_24,
  writeShellApplication,
}:
let
  nodeModules = callPackage ./node-modules.nix { };
in
writeShellApplication {
  name = "hyperhive-format";
  runtimeInputs = [
    fd
    nixfmt
    nodejs_24
  ];
  text = ''
    cd "$(git rev-parse --show-toplevel)"
    fd --extension nix --exec-batch nixfmt
    ${nodeModules}/node_modules/.bin/oxfmt .
  '';
}
