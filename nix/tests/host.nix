# A host with the module, as a virtual machine: the service starts, only the operator reaches it, agents answer, and a
# restart of the daemon touches no cage. The hive rehearses, so it needs no account and no network.
{ testers, module }:
testers.runNixOSTest {
  name = "hyperhive-host";

  nodes = {
    machine = {
      imports = [ module ];
      services.hive-c0re = {
        enable = true;
        adminUsers = [ "alice" ];
        operatorPronouns = "they/them";
        repositories.web.policy = "checks";
        repositories.web.check = "true";
      };
      users.users.alice.isNormalUser = true;
      users.users.mallory.isNormalUser = true;
      # The manager and one agent: a CLI takes 200 MiB, and a cage starts one for its trial.
      virtualisation.memorySize = 4096;
      virtualisation.cores = 2;
    };
    neighbour = { };
  };

  testScript = ''
    def hivectl(words, user="alice"):
        return f"su - {user} -c 'hivectl {words}'"

    start_all()
    machine.wait_for_unit("hive-c0re.service")
    machine.wait_for_open_port(7000)

    with subtest("the daemon is a user of its own, the helper is root"):
        machine.succeed("pgrep --uid hyperhive --full 'hive-c0re'")
        machine.succeed("pgrep --uid root --full 'hive-w4rden'")

    with subtest("an admin uses hivectl, another user does not"):
        machine.wait_until_succeeds(hivectl("list --json"))
        machine.fail(hivectl("list", user="mallory"))

    with subtest("no port is open to the network"):
        neighbour.wait_for_unit("network-online.target")
        neighbour.fail("curl --max-time 5 http://machine:7000/")

    with subtest("the manager answers"):
        answer = machine.succeed(hivectl("send hm1nd hello --wait --timeout 120"))
        assert answer.strip() != "", "an empty answer"

    with subtest("a declared repository is there, and its settings are the declaration's"):
        shown = machine.succeed(hivectl("repo show web --json"))
        assert '"checks"' in shown, shown
        machine.fail(hivectl("repo set web --policy operator"))

    with subtest("an agent is approved and runs; a restart of the daemon keeps its cage"):
        machine.succeed(hivectl("spawn scout --yes --wait"))
        machine.succeed(hivectl("send scout hello --wait --timeout 120"))
        before = machine.succeed("pgrep --full 'hive-ag3nt' | sort")
        machine.succeed("systemctl restart hive-c0re.service")
        machine.wait_until_succeeds(hivectl("list --json"))
        after = machine.succeed("pgrep --full 'hive-ag3nt' | sort")
        assert set(before.split()) & set(after.split()), f"no cage is left of {before!r}: {after!r}"

    with subtest("after a reboot everything is there"):
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("hive-c0re.service")
        machine.wait_until_succeeds(hivectl("list --json") + " | grep scout")
        machine.succeed(hivectl("send scout again --wait --timeout 120"))
  '';
}
