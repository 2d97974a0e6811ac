# A host whose agents move from bubblewrap into containers, as a virtual machine: their systems are built while they run,
# the host switches, and they go on with what they had. The agents rehearse, so nothing needs an account or a network:
# what their systems are built from is in the host's store.
{
  agentSystem,
  lib,
  module,
  pkgs,
  stdenv,
  testers,
}:
let
  # As the flake of a hive makes it of an agent with the config that every agent begins with.
  systemOf =
    name: role:
    (agentSystem {
      inherit name role;
      system = stdenv.hostPlatform.system;
      module = { };
    }).config.system.build.toplevel;
  systems = [
    (systemOf "hm1nd" "manager")
    (systemOf "scout" "agent")
  ];
in
testers.runNixOSTest {
  name = "hyperhive-containers";

  nodes.machine = {
    imports = [ module ];
    services.hive-c0re = {
      enable = true;
      adminUsers = [ "alice" ];
    };
    specialisation.containers.configuration.services.hive-c0re.driver = "nixos-container";
    users.users.alice.isNormalUser = true;
    # Their own configs are other derivations, which are built here.
    system.extraDependencies = systems ++ map (one: one.inputDerivation) systems ++ [ pkgs.stdenv ];
    nix.settings.substituters = lib.mkForce [ ];
    virtualisation.writableStore = true;
    virtualisation.memorySize = 8192;
    virtualisation.diskSize = 16384;
    virtualisation.cores = 2;
  };

  testScript = ''
    def hivectl(words):
        return f"su - alice -c 'hivectl {words}'"

    def answers(name):
        answer = machine.succeed(hivectl(f"send {name} hello --wait --timeout 300"))
        assert answer.strip() != "", f"{name} says nothing"

    machine.start()
    machine.wait_for_unit("hive-c0re.service")
    machine.wait_until_succeeds(hivectl("list --json"))

    with subtest("agents run in bubblewrap, and nothing stands against their move"):
        machine.succeed(hivectl("spawn scout --yes --wait"))
        answers("scout")
        assert "ready" in machine.succeed(hivectl("migrate"))

    with subtest("their systems are built while they run"):
        before = machine.succeed("pgrep --full hive-ag3nt | sort")
        assert "built" in machine.succeed(hivectl("migrate --build"))
        assert before == machine.succeed("pgrep --full hive-ag3nt | sort")

    with subtest("after the switch each agent is a container, with what it had"):
        machine.succeed("/run/current-system/specialisation/containers/bin/switch-to-configuration test")
        machine.wait_until_succeeds(hivectl("list --json"))
        for name in ["hm1nd", "scout"]:
            answers(name)
        assert machine.succeed("nixos-container list").split() != []
        machine.succeed("pgrep --full systemd-nspawn")
        assert "moved" in machine.succeed(hivectl("migrate"))
        machine.succeed(hivectl("messages scout") + " | grep hello")

    with subtest("a container has no network, and not the host's Nix daemon"):
        container = machine.succeed("nixos-container list").split()[0]
        links = machine.succeed(f"nixos-container run {container} -- ls /sys/class/net")
        assert links.split() == ["lo"], links
        machine.fail(f"nixos-container run {container} -- nix-store --query --requisites /run/current-system")

    with subtest("the journal of a container can be read and followed"):
        machine.succeed(hivectl("logs scout --system") + " | grep hive-ag3nt")

    with subtest("containers outlive the daemon"):
        before = machine.succeed("pgrep --full systemd-nspawn | sort")
        machine.succeed("systemctl restart hive-c0re.service")
        machine.wait_until_succeeds(hivectl("list --json"))
        assert before == machine.succeed("pgrep --full systemd-nspawn | sort")
        answers("scout")

    with subtest("back: the agents go on in bubblewrap"):
        machine.succeed(hivectl("stop --all"))
        machine.succeed("/run/booted-system/bin/switch-to-configuration test")
        machine.wait_until_succeeds(hivectl("list --json"))
        machine.succeed(hivectl("start --what-ran"))
        answers("scout")
        machine.fail("pgrep --full systemd-nspawn")
  '';
}
