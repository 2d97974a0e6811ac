# The folder node_modules, made from package-lock.json: each tarball is fetched by itself and checked against its hash.
# No package runs a script.
{
  lib,
  stdenvNoCC,
  cacert,
  curl,
  nodejs_24,
  without ? [ ],
}:
let
  inherit (stdenvNoCC.hostPlatform) node isMusl;

  npm = import ./npm.nix {
    lock = lib.importJSON ../package-lock.json;
    os = node.platform;
    cpu = node.arch;
    libc = if isMusl then "musl" else "glibc";
    inherit without;
  };

  # The lock names no registry, so npm's own is asked, or the one that npm_config_registry names.
  tarball =
    {
      name,
      version,
      address,
      integrity,
      ...
    }:
    stdenvNoCC.mkDerivation {
      name = "${lib.replaceStrings [ "@" "/" ] [ "" "-" ] name}-${version}.tgz";
      nativeBuildInputs = [
        curl
        nodejs_24
      ];
      outputHash = integrity;
      outputHashMode = "flat";
      impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "npm_config_registry" ];
      SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
      preferLocalBuild = true;
      buildCommand = ''
        export HOME=$TMPDIR
        registry=$(npm config get registry)
        curl --fail --silent --show-error --location --retry 3 --output "$out" "''${registry%/}/"${lib.escapeShellArg address}
      '';
    };

  unpack = package: ''
    mkdir -p "$out"/${lib.escapeShellArg package.path}
    tar -xzf ${tarball package} --strip-components=1 --no-same-owner -C "$out"/${lib.escapeShellArg package.path}
  '';

  link =
    { name, path }:
    ''
      chmod +x "$out/node_modules/"${lib.escapeShellArg path}
      ln -s ../${lib.escapeShellArg path} "$out/node_modules/.bin/"${lib.escapeShellArg name}
    '';
in
stdenvNoCC.mkDerivation {
  name = "hyperhive-node-modules";
  nativeBuildInputs = [ nodejs_24 ];
  buildCommand = ''
    ${lib.concatMapStrings unpack npm.packages}
    mkdir -p "$out/node_modules/.bin"
    ${lib.concatMapStrings link npm.programs}
    chmod -R u+w,go+rX "$out"
    patchShebangs "$out/node_modules"
  '';
  passthru = { inherit (npm) packages; };
}
