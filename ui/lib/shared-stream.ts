import type { HiveEvent } from "../../src/wire/event.ts";

/** Callbacks of the page for the stream. */
export interface StreamListener {
  /** Events in order. There is no gap after the position that was passed to `moveTo`. */
  onEvent(event: HiveEvent): void;
  onConnection(isLive: boolean): void;
  /** Events may have been missed: take a new snapshot. */
  onGap(): void;
}

/** Pauses between attempts to connect. Milliseconds. */
const RETRY_MS = [300, 1000, 2000, 4000];
const NAME = "hive-events";
/** Every kind of event: a kind without an entry does not compile. A browser delivers only the kinds that are listened for. */
const KINDS: Record<HiveEvent["kind"], true> = {
  message: true,
  question: true,
  approval: true,
  change: true,
  turn: true,
  agent: true,
  repo: true,
  hive: true,
  you: true,
  delta: true,
  reset: true,
};

type Post =
  /** Events as raw text: forwarding text costs the reading tab nearly nothing, and each tab parses it itself. */
  | { kind: "events"; events: readonly string[] }
  | { kind: "connection"; isLive: boolean }
  | { kind: "leader"; after: number }
  | { kind: "ask" };

/**
 * One event stream for all tabs of a browser (HTTP/1.1 allows six connections to a host, and a stream takes one). The
 * tab that has the lock reads the stream and forwards it to the others. When that tab closes, the next one takes the
 * lock and continues from its own position.
 */
export class SharedStream {
  /** Calls are buffered until the page listens. */
  #listener: StreamListener | undefined;
  #untold: ((listener: StreamListener) => void)[] = [];
  readonly #channel = new BroadcastChannel(NAME);
  #seq = 0;
  #source: EventSource | undefined;
  /** Events that arrive in one chunk are forwarded to the other tabs in one post, in a task of its own. */
  readonly #soon = new MessageChannel();
  #untoldTabs: string[] = [];
  /** Whether the page, as a follower of another tab, has taken the state since it found that tab. */
  #hasJoined = false;
  #isLive = false;
  #failures = 0;
  /** Resolved once the page has a snapshot: without a position the stream would replay everything. */
  #begin = (): void => {};
  readonly #hasBegun = new Promise<void>((resolve) => (this.#begin = resolve));

  constructor() {
    this.#soon.port2.onmessage = () => this.#tellTabs();
    this.#channel.onmessage = ({ data }: MessageEvent<Post>) => this.#hear(data);
    this.#post({ kind: "ask" });
    // The lock is held until the tab closes. Without locks (plain http on a host name) every tab reads the stream
    // itself.
    if ("locks" in navigator) void navigator.locks.request(NAME, () => this.#hasBegun.then(() => this.#lead()));
    else void this.#hasBegun.then(() => this.#lead());
  }

  /** Sets the listener, which first gets the buffered calls. Call it once. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
    for (const tell of this.#untold) tell(listener);
    this.#untold = [];
  }

  #tell(tell: (listener: StreamListener) => void): void {
    if (this.#listener) tell(this.#listener);
    else this.#untold.push(tell);
  }

  /** The page has taken a snapshot and needs the events after `seq`. */
  moveTo(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    this.#begin();
  }

  /** Never resolves: the lock is held until the tab closes. */
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
    for (const kind of Object.keys(KINDS)) {
      source.addEventListener(kind, ({ data }: MessageEvent<string>) => this.#take(data));
    }
  }

  /** An event stream does not say why it failed. A request for the state shows whether the session has expired. */
  async #retry(): Promise<void> {
    // No response is no reason to log in; the stream is retried.
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
      // A tab that reads the stream itself ignores the other tabs' posts.
      if (post.kind === "ask") this.#post({ kind: "connection", isLive: this.#isLive });
      return;
    }
    if (post.kind === "events") for (const data of post.events) this.#deliver(JSON.parse(data) as HiveEvent);
    if (post.kind === "connection") this.#follow(post.isLive);
    // The new leader continues from its own position. A tab that has seen less has a gap.
    if (post.kind === "leader" && post.after > this.#seq) this.#tell((page) => page.onGap());
  }

  /** The page has missed what the other tab received before this one followed it: its snapshot may be older. */
  #follow(isLive: boolean): void {
    this.#tell((page) => page.onConnection(isLive));
    if (this.#hasJoined) return;
    this.#hasJoined = true;
    this.#tell((page) => page.onGap());
  }

  #post(post: Post): void {
    // Keep the order of events.
    this.#tellTabs();
    this.#channel.postMessage(post);
  }
}
