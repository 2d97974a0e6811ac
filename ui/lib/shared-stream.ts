import type { HiveEvent } from "../../src/wire/event.ts";

/** What a page hears of the stream. */
export interface StreamListener {
  /** Events in their order; the stream is gapless after the position that the page was told to hold. */
  onEvent(event: HiveEvent): void;
  onConnection(isLive: boolean): void;
  /** Something may have been missed: take a new snapshot. */
  onGap(): void;
}

/** Pauses between attempts to connect. Milliseconds. */
const RETRY_MS = [300, 1000, 2000, 4000];
const NAME = "hive-events";

type Post =
  /** Events as they came: text costs the tab that reads the stream nearly nothing, and each reader takes it apart itself. */
  | { kind: "events"; events: readonly string[] }
  | { kind: "connection"; isLive: boolean }
  | { kind: "leader"; after: number }
  | { kind: "ask" };

/**
 * One event stream for all tabs of a browser (HTTP/1.1 allows six connections to a host, and a stream holds one).
 * The tab that holds the lock reads it and tells the others. When it goes, the next one takes the lock and goes on
 * from the position that it has seen itself.
 */
export class SharedStream {
  /** Until the page listens, what is to be told to it is kept. */
  #listener: StreamListener | undefined;
  #untold: ((listener: StreamListener) => void)[] = [];
  readonly #channel = new BroadcastChannel(NAME);
  #seq = 0;
  #source: EventSource | undefined;
  /** What came in one piece from the hive goes to the other tabs in one piece: it is told in a task of its own. */
  readonly #soon = new MessageChannel();
  #untoldTabs: string[] = [];
  /** Whether the page, as one that follows another tab, has taken the state since it heard of that tab. */
  #hasJoined = false;
  #isLive = false;
  #failures = 0;
  /** Resolved once the page has a snapshot: a stream from the beginning of time is of no use to anybody. */
  #begin = (): void => {};
  readonly #hasBegun = new Promise<void>((resolve) => (this.#begin = resolve));

  constructor() {
    this.#soon.port2.onmessage = () => this.#tellTabs();
    this.#channel.onmessage = ({ data }: MessageEvent<Post>) => this.#hear(data);
    this.#post({ kind: "ask" });
    // Held until the tab goes; without locks (plain http on a name) every tab reads for itself.
    if ("locks" in navigator) void navigator.locks.request(NAME, () => this.#hasBegun.then(() => this.#lead()));
    else void this.#hasBegun.then(() => this.#lead());
  }

  /** From now on the listener hears of everything, of what has come already, too. Once. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
    for (const tell of this.#untold) tell(listener);
    this.#untold = [];
  }

  #tell(tell: (listener: StreamListener) => void): void {
    if (this.#listener) tell(this.#listener);
    else this.#untold.push(tell);
  }

  /** The page has taken a snapshot: what comes after `seq` is wanted. */
  moveTo(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    this.#begin();
  }

  /** Never ends: the lock is held until the tab goes. */
  #lead(): Promise<never> {
    this.#post({ kind: "leader", after: this.#seq });
    this.#connect();
    return new Promise(() => {});
  }

  #connect(): void {
    const source = new EventSource(`/api/events?after=${this.#seq}`);
    this.#source = source;
    source.onopen = () => {
      this.#failures = 0;
      this.#setLive(true);
    };
    source.onerror = () => {
      source.close();
      this.#setLive(false);
      const pause = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)] ?? 1000;
      setTimeout(() => void this.#retry(), pause);
    };
    for (const kind of ["message", "question", "approval", "turn", "agent", "hive", "delta", "reset"]) {
      source.addEventListener(kind, ({ data }: MessageEvent<string>) => this.#take(data));
    }
  }

  /** An event stream does not say why it failed: asking the state tells whether the session is over. */
  async #retry(): Promise<void> {
    // No answer is no reason to log in: the line is tried again.
    const answer = await fetch("/api/state").catch(() => undefined);
    if (answer?.status === 401) location.assign("/login");
    else this.#connect();
  }

  #take(data: string): void {
    this.#untoldTabs.push(data);
    if (this.#untoldTabs.length === 1) this.#soon.port1.postMessage(undefined);
    this.#deliver(JSON.parse(data) as HiveEvent);
  }

  #tellTabs(): void {
    if (this.#untoldTabs.length === 0) return;
    this.#channel.postMessage({ kind: "events", events: this.#untoldTabs } satisfies Post);
    this.#untoldTabs = [];
  }

  #deliver(event: HiveEvent): void {
    if (event.kind === "reset") {
      this.#seq = event.seq;
      return this.#tell((page) => page.onGap());
    }
    if ("seq" in event) this.#seq = Math.max(this.#seq, event.seq);
    this.#tell((page) => page.onEvent(event));
  }

  #setLive(isLive: boolean): void {
    this.#isLive = isLive;
    this.#post({ kind: "connection", isLive });
    this.#tell((page) => page.onConnection(isLive));
  }

  #hear(post: Post): void {
    if (this.#source) {
      // Who reads for itself has no need of what others say.
      if (post.kind === "ask") this.#post({ kind: "connection", isLive: this.#isLive });
      return;
    }
    if (post.kind === "events") for (const data of post.events) this.#deliver(JSON.parse(data) as HiveEvent);
    if (post.kind === "connection") this.#follow(post.isLive);
    // The new leader goes on from what it has seen: whoever has seen less has a gap.
    if (post.kind === "leader" && post.after > this.#seq) this.#tell((page) => page.onGap());
  }

  /** What another tab was told before this one listened to it, this one has missed: its snapshot may be older. */
  #follow(isLive: boolean): void {
    this.#tell((page) => page.onConnection(isLive));
    if (this.#hasJoined) return;
    this.#hasJoined = true;
    this.#tell((page) => page.onGap());
  }

  #post(post: Post): void {
    // In the order in which it happened.
    this.#tellTabs();
    this.#channel.postMessage(post);
  }
}
