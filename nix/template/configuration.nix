# Add what your machine needs: hardware, boot loader, network, users.
{ ... }:
{
  services.hive-c0re = {
    enable = true;
    adminUsers = [ "alice" ];
    # operatorPronouns = "they/them";
    # credentialFile = "/run/secrets/anthropic";
  };

  users.users.alice.isNormalUser = true;

  system.stateVersion = "25.11";
}
