# What every cage of a NixOS host has: the harness as its only service, as an unprivileged user, without a network.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
{
  options.hyperhive = import ./options.nix { inherit lib; };

  config = {
    # The agent's config as this system makes it. It is to be checked as an agent.json is.
    system.build.agentJson = import ./agent-json.nix { cfg = config.hyperhive; };

    # Named otherwise before NixOS 25.11.
    boot =
      if options.boot ? isNspawnContainer then { isNspawnContainer = true; } else { isContainer = true; };

    users = {
      mutableUsers = false;
      # Nobody logs in.
      allowNoPasswordLogin = true;
      users.agent = {
        isNormalUser = true;
        uid = 1000;
        group = "agent";
        home = "/home/agent";
        # A folder of root with the session's folder in it: an agent keeps nothing else there.
        createHome = false;
      };
      groups.agent.gid = 1000;
    };

    # A cage has its loopback and sockets. It asks the daemon to resolve names and to connect.
    networking = {
      useDHCP = false;
      useHostResolvConf = false;
      firewall.enable = false;
      resolvconf.enable = false;
    };

    # The host builds. A cage has no way to its Nix daemon.
    nix.enable = false;

    # The harness starts the tools, and nothing in a cage changes its user.
    security.enableWrappers = false;
    services.dbus.enable = lib.mkForce false;
    services.logrotate.enable = false;
    systemd.services.systemd-logind.enable = false;
    documentation.enable = false;
    programs.command-not-found.enable = false;

    # What the harness starts itself: git for workspaces, a shell for set-up commands.
    environment.systemPackages = [ pkgs.git ];

    systemd.services.hive-ag3nt = {
      description = "The agent's harness";
      wantedBy = [ "multi-user.target" ];
      # For prlimit and setpriv, which the start of a cage uses.
      path = [ pkgs.util-linux ];
      # The end of the harness is the end of the cage, with the same exit code.
      unitConfig = {
        SuccessAction = "exit";
        FailureAction = "exit";
      };
      serviceConfig = {
        Type = "exec";
        # What a driver has to put there for each start: the program, its arguments and its whole environment.
        ExecStart = "/run/hive-cage/start";
        User = "agent";
        Group = "agent";
        WorkingDirectory = "/state";
        # What the driver says about users and names is what programs of the cage read.
        BindReadOnlyPaths =
          map (name: "/run/hive-cage/${name}:/etc/${name}")
            [
              "passwd"
              "group"
              "hosts"
              "nsswitch.conf"
              "resolv.conf"
              "gitconfig"
            ];
        # Files there would count as the agent's memory, beyond the share of /tmp and /dev/shm.
        InaccessiblePaths = [ "-/dev/mqueue" ];
        StandardOutput = "journal+console";
        StandardError = "journal+console";
        NoNewPrivileges = true;
        CapabilityBoundingSet = "";
        Restart = "no";
        TimeoutStopSec = 30;
      };
    };

    system.stateVersion = lib.mkDefault lib.trivial.release;
  };
}
