# The npm packages of package-lock.json for one platform: where each one goes, where it comes from, and its hash.
# Uses builtins alone, so that a test compares it with the lock without nixpkgs.
{
  lock,
  # The platform in npm's words: "linux", "x64", "glibc".
  os,
  cpu,
  libc,
  # Names of packages to leave out.
  without ? [ ],
}:
let
  inherit (builtins)
    attrNames
    concatMap
    elem
    elemAt
    filter
    isString
    length
    map
    match
    split
    ;

  last = list: elemAt list (length list - 1);
  parts = separator: text: filter isString (split separator text);

  # "node_modules/a/node_modules/@b/c" is a copy of @b/c for a.
  nameOf = path: last (parts "node_modules/" path);

  fits =
    entry: key: value:
    !(entry ? ${key}) || elem value entry.${key};

  # The package in whose folder a copy is, or null.
  parentOf =
    path:
    let
      inside = match "(.*)/node_modules/(@[^/]+/)?[^/]+" path;
    in
    if inside == null then null else elemAt inside 0;

  isWanted =
    path:
    let
      entry = lock.packages.${path};
      parent = parentOf path;
    in
    path != ""
    && fits entry "os" os
    && fits entry "cpu" cpu
    && fits entry "libc" libc
    && !(elem (nameOf path) without)
    && (parent == null || isWanted parent);

  package =
    path:
    let
      name = nameOf path;
      entry = lock.packages.${path};
    in
    {
      inherit path name;
      inherit (entry) version integrity;
      # The address in a registry, below the registry's own.
      address = "${name}/-/${last (parts "/" name)}-${entry.version}.tgz";
    };

  # The programs of a package in the top folder, by name.
  programsOf =
    path:
    let
      bin = lock.packages.${path}.bin or { };
    in
    if parentOf path != null then
      [ ]
    else
      map (name: {
        inherit name;
        path = "${nameOf path}/${bin.${name}}";
      }) (attrNames bin);

  wanted = filter isWanted (attrNames lock.packages);
in
{
  packages = map package wanted;
  programs = concatMap programsOf wanted;
}
