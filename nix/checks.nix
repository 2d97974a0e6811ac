# `nix flake check`: the package, the format, lint, types, the tests that need neither root nor a cage, the evaluation of
# the modules, and virtual machines with the host's.
{
  agentSystem,
  callPackage,
  git,
  lib,
  modules,
  nixfmt,
  nodejs_24,
  package,
  src,
  stdenvNoCC,
}:
let
  nodeModules = callPackage ./node-modules.nix { };

  check =
    name: commands:
    stdenvNoCC.mkDerivation {
      name = "hyperhive-${name}";
      inherit src;
      nativeBuildInputs = [
        git
        nixfmt
        nodejs_24
      ];
      dontConfigure = true;
      buildPhase = ''
        runHook preBuild
        export HOME=$TMPDIR CI=true
        cp -r ${nodeModules}/node_modules .
        chmod -R u+w node_modules
        export PATH=$PWD/node_modules/.bin:$PATH
        ${commands}
        runHook postBuild
      '';
      installPhase = "touch $out";
      dontFixup = true;
    };
in
{
  inherit package;
  format = check "format" ''
    oxfmt --check .
    find . -path ./node_modules -prune -o -name '*.nix' -print0 | xargs -0 nixfmt --check
  '';
  lint = check "lint" "oxlint --type-aware --deny-warnings";
  types = check "types" "tsc --noEmit";
  # The other tests need cages, which a build has none of: `npm test` runs all.
  tests = check "tests" ''
    vitest run ${
      lib.escapeShellArgs [
        "src/diffs"
        "src/lib"
        "src/messages"
        "src/wire"
        "ui/lib"
      ]
    }
  '';
  modules = callPackage ./tests/modules.nix { inherit modules; };
  host = callPackage ./tests/host.nix { module = modules.hive-c0re; };
  containers = callPackage ./tests/containers.nix {
    module = modules.hive-c0re;
    inherit agentSystem;
  };
}
