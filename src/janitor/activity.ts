/**
 * Whether requests are under way, and whether memory was given back since the last one ended: what they left behind in
 * V8's heap stays there until a garbage collection, which without work to do may be hours away.
 */
export class Activity {
  #underWay = 0;
  /** The start leaves something behind too. */
  #used = true;
  #began = false;

  /** A request begins. The function that comes back says that it has ended; said twice, it counts once. */
  begin(): () => void {
    let over = false;
    this.#underWay++;
    this.#began = true;
    return () => {
      if (over) return;
      over = true;
      this.#underWay--;
      this.#used = true;
    };
  }

  /**
   * Asked at intervals: true when nothing is under way, nothing began since it was asked last, and something ended since
   * it was true last. Between requests that follow one another it stays false: a collection stops the process for tens of
   * milliseconds and takes from V8 what it had learned, which halves what a busy service can do.
   */
  takeIdle(): boolean {
    const quiet = !this.#began && this.#underWay === 0;
    this.#began = false;
    if (!quiet || !this.#used) return false;
    this.#used = false;
    return true;
  }
}
