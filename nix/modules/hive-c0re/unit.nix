# The service's environment and settings, from the values of the options. Uses builtins alone, so that a test compares
# it with docs/security.md, and runs the helper with its privileges.
{ cfg }:
let
  inherit (builtins) concatStringsSep match;

  # What systemd passes, by the names that the daemon reads.
  credentials =
    (if cfg.credentialFile == null then [ ] else [ "anthropic:${cfg.credentialFile}" ])
    ++ map (name: "secret.${name}:${cfg.secretFiles.${name}}") (builtins.attrNames cfg.secretFiles);

  optional = name: value: if value == null then { } else { ${name} = value; };

  # What root's helper does: mounts, namespaces and their maps, owners of files, processes as other users.
  capabilities = [
    "CAP_CHOWN"
    "CAP_DAC_OVERRIDE"
    "CAP_DAC_READ_SEARCH"
    "CAP_FOWNER"
    "CAP_FSETID"
    "CAP_KILL"
    "CAP_SETGID"
    "CAP_SETUID"
    "CAP_SETPCAP"
    "CAP_SYS_CHROOT"
    "CAP_SYS_PTRACE"
    "CAP_SYS_ADMIN"
    "CAP_SETFCAP"
  ];

  # Nothing of it is secret: the store may have it.
  repositories = builtins.toFile "hyperhive-repositories.json" (
    builtins.toJSON {
      source = "services.hive-c0re.repositories";
      inherit (cfg) repositories;
    }
  );

  hasContainers = cfg.driver == "nixos-container";
  # The folders are of the store, and the strings keep them there as long as the host's system. Set for bubblewrap too:
  # there `hivectl migrate` builds the systems of agents before they move.
  flakes = {
    HIVE_FLAKE = "${cfg.flakeInput.hyperhive}";
    HIVE_FLAKE_INPUTS = concatStringsSep " " (
      map (name: "${name}=${cfg.flakeInput.${name}}") (
        builtins.filter (name: name != "hyperhive") (builtins.attrNames cfg.flakeInput)
      )
    );
  };

  # Set by options.
  own = {
    HIVE_STATE_DIR = cfg.stateDir;
    HIVE_RUN_DIR = "/run/hyperhive";
    HIVE_PORT = toString cfg.dashboardPort;
    HIVE_BIND = cfg.bindAddress;
    HIVE_BEHIND_PROXY = if cfg.behindProxy then "1" else "0";
    HIVE_OPERATOR_PRONOUNS = cfg.operatorPronouns;
    HIVE_AUTO_UPDATE = if cfg.autoUpdate then "on" else "off";
    HIVE_DRIVER = cfg.driver;
  }
  // (if cfg.flakeInput ? hyperhive then flakes else { })
  // (if cfg.repositories == { } then { } else { HIVE_REPOSITORIES = repositories; })
  // optional "HIVE_PUBLIC_URL" cfg.publicUrl
  // optional "HIVE_UPSTREAM_URL" cfg.modelUpstream;

  # Set by options, also where these are null.
  reserved = own // {
    HIVE_PUBLIC_URL = null;
    HIVE_UPSTREAM_URL = null;
    HIVE_CREDENTIAL_FILE = null;
    HIVE_REPOSITORIES = null;
    HIVE_FLAKE = null;
    HIVE_FLAKE_INPUTS = null;
  };
  isLoopback = address: address == "localhost" || address == "::1" || match "127[.][0-9.]+" address != null;
in
{
  # For tests: what the file says.
  inherit (cfg) repositories;
  inherit hasContainers;

  environment = cfg.settings // own;

  serviceConfig = {
    ExecStart = "${cfg.package}/bin/hive-w4rden start -- serve";
    Restart = "on-failure";
    RestartSec = 2;
    # Cages outlive the daemon, in whatever group they are: a restart or an upgrade touches none.
    KillMode = "process";
    # The daemon ends in seconds. It waits for what it writes.
    TimeoutStopSec = 90;
    UMask = "0022";

    # The daemon is a user of its own in any case. This bounds the helper. Settings that mount something over /proc,
    # such as ProtectKernelTunables, would keep every cage from mounting its own.
    CapabilityBoundingSet = concatStringsSep " " capabilities;
    NoNewPrivileges = true;
    LockPersonality = true;
    RestrictAddressFamilies = "AF_UNIX AF_INET AF_INET6 AF_NETLINK";
    RestrictRealtime = true;
    SystemCallArchitectures = "native";
  }
  // optional "LoadCredential" (if credentials == [ ] then null else credentials);

  # Limits of the daemon and all cages together: their scopes are in this slice.
  sliceConfig =
    optional "MemoryMax" cfg.limits.memoryMax
    // optional "CPUQuota" cfg.limits.cpuQuota
    // optional "TasksMax" cfg.limits.tasksMax;

  # What the daemon would refuse at its start, told when the system is built.
  assertions = [
    {
      assertion =
        isLoopback cfg.bindAddress
        || cfg.behindProxy
        || (cfg.publicUrl != null && match "https://.*" cfg.publicUrl != null);
      message = "services.hive-c0re.bindAddress = \"${cfg.bindAddress}\" would serve the dashboard unencrypted to the network: set services.hive-c0re.publicUrl to the https address of your reverse proxy, or services.hive-c0re.behindProxy if another proxy encrypts the connections";
    }
    {
      assertion = !hasContainers || cfg.flakeInput ? hyperhive;
      message = "services.hive-c0re.driver = \"nixos-container\" needs services.hive-c0re.flakeInput.hyperhive: import the module from the flake (nixosModules.hive-c0re), or set it to a folder of the store with hyperhive's flake";
    }
  ]
  ++ map (name: {
    assertion = match "[A-Z][A-Z0-9_]*" name != null;
    message = "services.hive-c0re.secretFiles.${name}: a secret's name is A-Z, 0-9 and '_', and begins with a letter";
  }) (builtins.attrNames cfg.secretFiles)
  ++ map (name: {
    assertion = match "HIVE_[A-Z_]+" name != null && !(reserved ? ${name});
    message =
      if reserved ? ${name} then
        "services.hive-c0re.settings.${name}: another option of services.hive-c0re sets this variable"
      else
        "services.hive-c0re.settings.${name}: the settings of the daemon begin with HIVE_";
  }) (builtins.attrNames cfg.settings);
}
