# The daemon, root's helper and hivectl, on the Node of nixpkgs. Cages run the Claude Code of nixpkgs.
{
  lib,
  stdenv,
  callPackage,
  autoPatchelfHook,
  installShellFiles,
  makeBinaryWrapper,
  bash,
  bubblewrap,
  claude-code,
  coreutils,
  diffutils,
  findutils,
  gawk,
  git,
  gnugrep,
  gnused,
  gnutar,
  gzip,
  nodejs_24,
  util-linux,
}:
let
  # The CLI comes from nixpkgs. npm's copy is a program for another loader.
  cli = map (platform: "@anthropic-ai/claude-agent-sdk-${platform}") [
    "linux-x64"
    "linux-arm64"
  ];
  nodeModules = callPackage ./node-modules.nix { without = cli; };

  # Not bundled: a native module, and the package whose version the CLI is compared with.
  notBundled = [
    "better-sqlite3"
    "@anthropic-ai/claude-agent-sdk"
  ];

  # Programs that the daemon starts, and those that every cage has.
  programs = lib.makeBinPath [
    bash
    bubblewrap
    coreutils
    diffutils
    findutils
    gawk
    git
    gnugrep
    gnused
    gnutar
    gzip
    util-linux
  ];
in
stdenv.mkDerivation {
  pname = "hyperhive";
  inherit (lib.importJSON ../package.json) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../dev/scenarios
      ../docs/man
      ../package-lock.json
      ../package.json
      ../scripts
      ../src
      ../tsconfig.json
      ../ui
      ../vite.config.ts
    ];
  };

  nativeBuildInputs = [
    autoPatchelfHook
    installShellFiles
    makeBinaryWrapper
    nodejs_24
  ];
  buildInputs = [ stdenv.cc.cc.lib ];
  strictDeps = true;

  postPatch = ''
    substituteInPlace src/os/launch-env.ts \
      --replace-fail '"/run/current-system/sw/bin"' '"${programs}:/run/current-system/sw/bin"'
  '';

  buildPhase = ''
    runHook preBuild
    export HOME=$TMPDIR
    cp -r ${nodeModules}/node_modules .
    chmod -R u+w node_modules
    node --input-type=module --eval 'const { build } = await import("./scripts/build.mjs"); await build({ force: true });'
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    home=$out/lib/hyperhive
    mkdir -p "$home"
    cp -r dist package.json "$home"
    for name in ${lib.escapeShellArgs notBundled}; do
      mkdir -p "$home/node_modules/$(dirname "$name")"
      cp -r "node_modules/$name" "$home/node_modules/$name"
    done
    # Only the module for this platform can be linked.
    find "$home/node_modules/better-sqlite3/prebuilds" -type f \
      ! -name 'linux-${stdenv.hostPlatform.node.arch}.node' -delete
    for name in hive-c0re hive-w4rden hivectl; do
      makeWrapper "$home/dist/$name" "$out/bin/$name" \
        --prefix PATH : "$out/bin:${lib.makeBinPath [ nodejs_24 ]}:${programs}" \
        --set-default HIVE_CLAUDE_PATH "${lib.getExe claude-code}"
    done
    installManPage docs/man/*
    runHook postInstall
  '';

  passthru = {
    inherit nodeModules claude-code;
  };

  meta = {
    description = "A swarm of Claude Code agents on one host, each in its own cage";
    license = lib.licenses.asl20;
    mainProgram = "hivectl";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
