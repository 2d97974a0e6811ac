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
in
present cfg
