# The values of hyperhive.* as agent.json has them: what is null is left out.
{ cfg }:
let
  inherit (builtins)
    attrNames
    filter
    isAttrs
    isList
    listToAttrs
    map
    removeAttrs
    ;
  present =
    value:
    if isAttrs value then
      listToAttrs (
        map (name: {
          inherit name;
          value = present value.${name};
        }) (filter (name: value.${name} != null) (attrNames value))
      )
    else if isList value then
      map present value
    else
      value;
  all = present cfg;
in
# A budget without limits is none.
if all.budget or { } == { } then removeAttrs all [ "budget" ] else all
