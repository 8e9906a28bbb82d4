/**
 * Whether requests are under way, and whether memory was given back since the last one ended: what they left behind in
 * V8's heap stays there until a garbage collection, which without work to do may be hours away.
 */
export class Activity {
  #underWay = 0;
  #used = false;
  #quiet = false;

  /** A request begins. The function that comes back says that it has ended; said twice, it counts once. */
  begin(): () => void {
    let over = false;
    this.#underWay++;
    this.#quiet = false;
    return () => {
      if (over) return;
      over = true;
      this.#underWay--;
      this.#used = true;
    };
  }

  /**
   * Called each second. True once, when nothing has been under way since the last call and something was before: a
   * collection takes as long as a page, so it waits until one who reads on would have come.
   */
  takeIdle(): boolean {
    if (this.#underWay > 0 || !this.#used) return false;
    this.#used = !this.#quiet;
    this.#quiet = !this.#quiet;
    return !this.#used;
  }
}
