import type { Script } from "node:vm";

/** What is stored beside a script: the checksums of the script and of the code, then V8's compiled code. */
export const CACHE_SUFFIX = ".cache";
/** Bytes of the two checksums at the head of a cache. */
const HEAD_BYTES = 8;

// `import` would make a module of each of these, with every lazy part of Node that they name.
const fs = process.getBuiltinModule("node:fs");
const { createRequire, wrap } = process.getBuiltinModule("node:module");
const { dirname, join } = process.getBuiltinModule("node:path");
const { Script: VmScript } = process.getBuiltinModule("node:vm");
const { crc32 } = process.getBuiltinModule("node:zlib");

type Require = (id: string) => unknown;

/**
 * Runs a built program, a CommonJS script, with the compiled code that the build stored beside it and beside the scripts
 * that it requires by a relative path. A script without such code, or with that of another script or another Node, is
 * compiled as usual. Nothing is ever written. `onScript` gets every script before it runs. Returns what loads a further
 * part of the same program.
 */
export function loadProgram(file: string, onScript?: (file: string, script: Script) => void): (part: string) => unknown {
  const loaded = new Map<string, { exports: unknown }>();
  const node = createRequire(file);
  const load = (path: string): unknown => {
    const known = loaded.get(path);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    loaded.set(path, module);
    try {
      run(path, module);
    } catch (error) {
      // Half of a module would be what the next caller gets.
      loaded.delete(path);
      throw error;
    }
    return module.exports;
  };
  const run = (path: string, module: { exports: unknown }): void => {
    const script = compile(path);
    onScript?.(path, script);
    const own: Require = (id) => (id.startsWith(".") ? load(join(dirname(path), id)) : (node(id) as unknown));
    const body = script.runInThisContext() as (exports: unknown, require: Require, ...rest: readonly unknown[]) => void;
    body(module.exports, own, module, path, dirname(path));
  };
  load(file);
  return load;
}

/** Compiles a script, by its stored code if that is the script's. */
function compile(file: string): Script {
  const source = fs.readFileSync(file);
  return new VmScript(wrap(source.toString("latin1")), {
    filename: file,
    cachedData: codeOf(file, source),
  });
}

/** V8 checks the length of the source, its own version and its flags, and no content: these checksums do. */
function codeOf(file: string, source: Buffer): Buffer | undefined {
  let cache: Buffer;
  try {
    cache = fs.readFileSync(file + CACHE_SUFFIX);
  } catch {
    // There is none, or it cannot be read: the program starts without it, a little slower.
    return undefined;
  }
  const code = cache.subarray(HEAD_BYTES);
  const fits = cache.length > HEAD_BYTES && cache.readUInt32LE(0) === crc32(source) && cache.readUInt32LE(4) === crc32(code);
  return fits ? code : undefined;
}

/** The content of the cache of a script that was compiled from the file: with every function that has run until now. */
export function cacheOf(file: string, script: Script): Buffer {
  const code = script.createCachedData();
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(crc32(fs.readFileSync(file)), 0);
  head.writeUInt32LE(crc32(code), 4);
  return Buffer.concat([head, code]);
}
