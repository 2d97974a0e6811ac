# `nix develop`: what `npm start`, `npm test` and `npm run check` need. `npm ci` brings the rest.
{
  bubblewrap,
  chromium,
  claude-code,
  e2fsprogs,
  fish,
  gcc,
  git,
  lib,
  libfaketime,
  mkShell,
  nix,
  nixfmt,
  nodejs_24,
  openssh,
  openssl,
  perl,
  python3,
  strace,
  util-linux,
  xfsprogs,
  zsh,
}:
mkShell {
  packages = [
    bubblewrap
    chromium
    e2fsprogs
    fish
    gcc
    git
    libfaketime
    nix
    nixfmt
    nodejs_24
    openssh
    openssl
    perl
    python3
    strace
    util-linux
    xfsprogs
    zsh
  ];
  # npm's copy of the CLI is a program for another loader.
  HIVE_CLAUDE_PATH = lib.getExe claude-code;
}
