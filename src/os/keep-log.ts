/** Bytes of a cage's log file, and of the previous one: about ten thousand lines, more than a person reads back. */
export const LOG_BYTES = 1024 * 1024;

/**
 * A shell function that copies its input into the file `$log` of the current folder until the last writer has gone. It
 * starts a new file when one has `$whole` bytes, and keeps the previous one as `$log.1`. On a full disk it reads the
 * input and drops it, so that no writer blocks.
 */
export const KEEP_LOG = `
keep_log() {
  while :; do
    size=$(wc -c < "$log" || echo 0)
    if [ "$size" -ge "$whole" ]; then mv -f "$log" "$log.1" || :; size=0; fi
    # dd counts a short read as a whole block, so it may stop before the file is full.
    if dd bs=64k count=$((whole - size)) iflag=count_bytes >> "$log"; then
      # dd waits for at least one byte. If the file has not grown, the last writer has gone.
      [ "$(wc -c < "$log")" -gt "$size" ] || return 0
    else
      # The disk is full.
      [ "$(dd bs=64k count=1 | wc -c)" -gt 0 ] || return 0
    fi
  done
}
`;
