/** What calls of `takeIdle` say after the last request's end: the first waits whether another comes. */
const QUIET = [null, 'brief', 'long'] as const;

/** How long it has been quiet. */
export type Idle = 'brief' | 'long';

/**
 * Whether requests are under way, and whether memory was given back since the last one ended: what they left behind in
 * V8's heap stays there until a garbage collection, which without work to do may be hours away.
 */
export class Activity {
  #underWay = 0;
  /** The start leaves something behind too. */
  #owed: number = QUIET.length;

  /** A request begins. The function that comes back says that it has ended; said twice, it counts once. */
  begin(): () => void {
    let over = false;
    this.#underWay++;
    return () => {
      if (over) return;
      over = true;
      this.#underWay--;
      this.#owed = QUIET.length;
    };
  }

  /** A connection has ended: it leaves something behind also where no request was made on it. */
  left(): void {
    this.#owed = QUIET.length;
  }

  /**
   * Called each second. Says 'brief' once, when nothing has been under way since the last call and something was before, and
   * then 'long' once: a collection takes as long as a page and takes from V8 what it had learned, so it waits until one who
   * reads on would have come; and what an answer still held when the first came, the second finds.
   */
  takeIdle(): Idle | null {
    if (this.#underWay > 0 || this.#owed === 0) return null;
    return QUIET[QUIET.length - this.#owed--] ?? null;
  }
}
