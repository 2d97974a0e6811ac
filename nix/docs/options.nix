# The options of a file of options: as a list for docs/nixos.md, and their defaults as the values that a host without
# definitions has.
{ file }:
let
  inherit (builtins)
    attrNames
    concatMap
    isAttrs
    mapAttrs
    removeAttrs
    ;

  lib = import ./lib.nix;
  options = import file { inherit lib; };

  # "a.b" for a group, "a.*.b" for the options of a submodule in a set.
  list =
    prefix: set:
    concatMap (
      name:
      let
        option = set.${name};
        path = prefix + name;
        type = option.type or null;
      in
      if !(option.isOption or false) then
        list "${path}." option
      else
        [
          (
            removeAttrs option [
              "isOption"
              "apply"
            ]
            // {
              name = path;
              type = lib.nameOf type;
            }
          )
        ]
        ++ (if isAttrs type && type ? options then list "${path}.*." type.options else [ ])
    ) (attrNames set);

  defaultsOf = mapAttrs (
    _: option: if option.isOption or false then option.default or null else defaultsOf option
  );
in
{
  options = list "" options;
  defaults = defaultsOf options;
}
