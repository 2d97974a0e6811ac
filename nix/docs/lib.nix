# What files of options use of nixpkgs' lib, as plain data: a type is its description. With it the options can be listed
# and their defaults read with builtins alone.
rec {
  mkOption = option: option // { isOption = true; };
  mkEnableOption =
    what:
    mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };
  literalExpression = text: { expression = text; };

  types = {
    bool = "boolean";
    package = "package";
    path = "path";
    externalPath = "absolute path, not in the store";
    port = "port";
    str = "string";
    ints.positive = "positive integer";
    ints.unsigned = "integer, 0 or above";
    ints.between = low: high: "integer from ${toString low} to ${toString high}";
    numbers.between =
      low: high: "number from ${builtins.toJSON low} to ${builtins.toJSON high}";
    enum = values: "one of ${builtins.concatStringsSep ", " (map builtins.toJSON values)}";
    nullOr = type: "null or ${nameOf type}";
    listOf = type: inner "list of " type;
    attrsOf = type: inner "attribute set of " type;
    submodule = module: {
      name = "submodule";
      inherit (module) options;
    };
  };

  nameOf = type: type.name or type;
  inner =
    prefix: type:
    if builtins.isString type then prefix + type else type // { name = prefix + nameOf type; };
}
