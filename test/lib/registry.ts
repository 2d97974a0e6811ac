import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * What the registries of several languages serve, each with one package `left`, and a git repository: files by path.
 * `home` is the address of the server.
 */
export function registryFiles(home: string): ReadonlyMap<string, Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  try {
    const files = new Map<string, Buffer>();
    const serve = (path: string, content: Buffer | string): void => void files.set(path, Buffer.from(content));
    const write = (path: string, content: string): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    };
    const made = (program: string, ...argv: string[]): unknown => execFileSync(program, argv, { cwd: folder, stdio: "ignore" });
    const archive = (name: string, top: string): Buffer => {
      made("tar", "-czf", name, top);
      return readFileSync(join(folder, name));
    };

    serve("/file", "hello\n");

    // npm: one document of the package, and its archive.
    write("package/package.json", JSON.stringify({ name: "left", version: "1.0.0" }));
    const packed = archive("left.tgz", "package");
    const integrity = `sha512-${createHash("sha512").update(packed).digest("base64")}`;
    const dist = { tarball: `${home}/npm/left/-/left-1.0.0.tgz`, integrity };
    serve("/npm/left/-/left-1.0.0.tgz", packed);
    serve(
      "/npm/left",
      JSON.stringify({
        name: "left",
        "dist-tags": { latest: "1.0.0" },
        versions: { "1.0.0": { name: "left", version: "1.0.0", dist } },
      }),
    );

    // Python: PEP 503 and a wheel.
    write("left.py", "word = 'hello'\n");
    write("left-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: left\nVersion: 1.0\n");
    write("left-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
    write("left-1.0.dist-info/RECORD", "left.py,,\nleft-1.0.dist-info/METADATA,,\nleft-1.0.dist-info/WHEEL,,\n");
    made("python3", "-m", "zipfile", "-c", "left.whl", "left.py", "left-1.0.dist-info");
    serve("/simple/left/", '<a href="/wheels/left-1.0-py3-none-any.whl">left-1.0-py3-none-any.whl</a>');
    serve("/wheels/left-1.0-py3-none-any.whl", readFileSync(join(folder, "left.whl")));

    // Cargo: a sparse index.
    write("left-1.0.0/Cargo.toml", '[package]\nname = "left"\nversion = "1.0.0"\nedition = "2021"\n');
    write("left-1.0.0/src/lib.rs", "");
    const crate = archive("left.crate", "left-1.0.0");
    const cksum = createHash("sha256").update(crate).digest("hex");
    serve("/cargo/config.json", JSON.stringify({ dl: `${home}/crates/{crate}-{version}.crate` }));
    serve(
      "/cargo/le/ft/left",
      `${JSON.stringify({ name: "left", vers: "1.0.0", deps: [], cksum, features: {}, yanked: false })}\n`,
    );
    serve("/crates/left-1.0.0.crate", crate);

    // Go: a module proxy.
    write("go/example.org/left@v1.0.0/go.mod", "module example.org/left\n\ngo 1.18\n");
    write("go/example.org/left@v1.0.0/left.go", "package left\n");
    // Go refuses an archive with entries for folders, which `-m zipfile` makes.
    const zipFiles = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w'); [z.write(f'go/{f}', f) for f in sys.argv[2:]]";
    made("python3", "-c", zipFiles, "left.zip", "example.org/left@v1.0.0/go.mod", "example.org/left@v1.0.0/left.go");
    const module = "/go/example.org/left/@v";
    serve(`${module}/list`, "v1.0.0\n");
    serve(`${module}/v1.0.0.info`, JSON.stringify({ Version: "v1.0.0", Time: "2026-01-01T00:00:00Z" }));
    serve(`${module}/v1.0.0.mod`, "module example.org/left\n\ngo 1.18\n");
    serve(`${module}/v1.0.0.zip`, readFileSync(join(folder, "left.zip")));

    // Maven: a parent of a project.
    const pom =
      '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>left</artifactId><version>1.0</version><packaging>pom</packaging></project>';
    serve("/maven/org/example/left/1.0/left-1.0.pom", pom);
    serve("/maven/org/example/left/1.0/left-1.0.pom.sha1", createHash("sha1").update(pom).digest("hex"));

    // Git over files.
    made("git", "init", "-q", "-b", "main", "work");
    made(
      "git",
      "-C",
      "work",
      "-c",
      "user.name=t",
      "-c",
      "user.email=t@hive.invalid",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      "hello",
    );
    made("git", "clone", "-q", "--bare", "work", "left.git");
    made("git", "-C", "left.git", "update-server-info");
    for (const name of readdirSync(join(folder, "left.git"), { recursive: true, withFileTypes: true }))
      if (name.isFile()) {
        const path = join(name.parentPath, name.name);
        serve(path.slice(folder.length), readFileSync(path));
      }
    return files;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
