import { PROGRAM_PATH } from "../../os/launch-env.ts";
import { STATUS_FILE } from "../../wire/container-end.ts";

/** The limits of a container. */
export interface ContainerLimits {
  memoryBytes: number;
  /** 100 is one core. */
  cpuPercent: number;
  pids: number;
}

/** What a container's own systemd and journal use besides its program. */
const SYSTEM_BYTES = 64 * 1024 ** 2;
const SYSTEM_TASKS = 16;
/** Seconds for a killed container to end, and for its last output to be written. */
const STOP_SECONDS = 20;

/** The unit of a container, as NixOS names it. */
export const unitOf = (container: string): string => `container@${container}.service`;
/** The unit of the program that keeps a container's log. */
export const logUnitOf = (container: string): string => `hive-log-${container}.service`;

/** The pipe into which its program prints, and the folder of what the log's keeper writes. */
export const LOG_PIPE = "log";
export const KEEPER_FOLDER = "keeper";
/** In the keeper's folder: the program has opened its log, so the container was built. */
export const OPENED_FILE = "opened";

/**
 * Settings of a container's unit besides those of NixOS: its limits; no restart, because the daemon decides that; and
 * what is recorded at its end. `end` is the script of `endScript`. Where /dev/net/tun exists, systemd-nspawn has to make
 * that node with private users (systemd 257), and NixOS's unit allows none; to open it stays forbidden.
 */
export function unitSettings({ memoryBytes, cpuPercent, pids }: ContainerLimits, end: string): string {
  return `# Written by hive-w4rden at each start.
[Service]
Slice=hyperhive.slice
MemoryMax=${memoryBytes + SYSTEM_BYTES}
MemorySwapMax=0
TasksMax=${pids + SYSTEM_TASKS}
CPUQuota=${cpuPercent}%
OOMPolicy=kill
DeviceAllow=/dev/net/tun m
Restart=no
RestartForceExitStatus=
SuccessExitStatus=
TimeoutStopSec=${STOP_SECONDS}
ExecStopPost=/bin/sh ${end}
`;
}

/**
 * A shell script that the service manager runs as root when a container has ended, also when neither the helper nor the
 * daemon runs: it waits for the last output, removes the binds and its root folder's file system, and writes how it ended. The file appears whole.
 */
export function endScript(folder: string, container: string, root: string): string {
  return `PATH=${PROGRAM_PATH}
cd ${folder} || exit 0
ooms=$(sed -n 's/^oom_kill //p' "/sys/fs/cgroup$(systemctl show -P ControlGroup ${unitOf(container)})/memory.events" 2> /dev/null)
systemctl stop ${logUnitOf(container)} 2> /dev/null
for bind in binds/* ${root}; do
  umount --lazy "$bind" 2> /dev/null
done
echo "\${EXIT_CODE:-none} \${EXIT_STATUS:-0} \${SERVICE_RESULT:-unknown} \${ooms:-0}" > ${STATUS_FILE}.new
mv ${STATUS_FILE}.new ${STATUS_FILE}
`;
}

/** The states of a unit that `systemctl show` prints. */
export interface UnitState {
  isActive: boolean;
  mainPid: number | undefined;
}

/** Reads `systemctl show -p ActiveState -p MainPID`. */
export function parseUnit(text: string): UnitState {
  const values = new Map(text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  const pid = Number(values.get("MainPID") ?? 0);
  const isActive = ["active", "activating", "reloading", "deactivating"].includes(values.get("ActiveState") ?? "");
  return { isActive, mainPid: Number.isSafeInteger(pid) && pid > 0 ? pid : undefined };
}
