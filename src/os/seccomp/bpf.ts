/** One instruction of the kernel's classic BPF machine (`struct sock_filter`). */
export interface Instruction {
  code: number;
  /** Instructions that a comparison skips if it is true, and if it is false. */
  jt: number;
  jf: number;
  k: number;
}

/** A sequence that ends in an answer on every path. */
export type Program = readonly Instruction[];

/** Opcodes from `linux/bpf_common.h`: class, size or operation, and mode combined. */
const LOAD_WORD = 0x20;
const JUMP = 0x05;
const COMPARE = { equal: 0x15, atLeast: 0x35, anyBit: 0x45 } as const;
const RETURN = 0x06;
/** Bytes of one `struct sock_filter`, and the longest skip of a comparison. */
const INSTRUCTION_BYTES = 8;
const MAX_SKIP = 255;

/** Loads the 32-bit word at this offset of the examined data, then continues. */
export function load(offset: number, then: Program): Program {
  return [{ code: LOAD_WORD, jt: 0, jf: 0, k: offset }, ...then];
}

/** Ends with this answer. */
export function answer(k: number): Program {
  return [{ code: RETURN, jt: 0, jf: 0, k: k >>> 0 }];
}

/** Compares the loaded word, unsigned, and continues with `yes` or `no`. */
export function when(compare: keyof typeof COMPARE, k: number, yes: Program, no: Program): Program {
  const code = COMPARE[compare];
  if (yes.length <= MAX_SKIP) return [{ code, jt: 0, jf: yes.length, k: k >>> 0 }, ...yes, ...no];
  const over = { code: JUMP, jt: 0, jf: 0, k: yes.length };
  return [{ code, jt: 1, jf: 0, k: k >>> 0 }, over, ...yes, ...no];
}

/** The bytes that the kernel reads, for a little-endian machine. */
export function assemble(program: Program): Buffer {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  program.forEach(({ code, jt, jf, k }, index) => {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jt, at + 2);
    bytes.writeUInt8(jf, at + 3);
    bytes.writeUInt32LE(k, at + 4);
  });
  return bytes;
}
