/** What the template of an agent needs of nixpkgs' `lib`, for a `let` of a small flake in the place of hyperhive's. */
export const NIX_LIB = `lib = {
        mkDefault = value: value;
        importJSON = path: builtins.fromJSON (builtins.readFile path);
        mapAttrsRecursive = f: builtins.mapAttrs (key: value: if builtins.isAttrs value then lib.mapAttrsRecursive f value else f [ key ] value);
      };`;
