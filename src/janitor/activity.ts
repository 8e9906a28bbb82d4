/**
 * Whether requests are under way, and whether memory was given back since the last one ended: what they left behind in
 * V8's heap stays there until a garbage collection, which without work to do may be hours away.
 */
export class Activity {
  #underWay = 0;
  #used = false;

  /** A request begins. The function that comes back says that it has ended; said twice, it counts once. */
  begin(): () => void {
    let over = false;
    this.#underWay++;
    return () => {
      if (over) return;
      over = true;
      this.#underWay--;
      this.#used = true;
    };
  }

  /** True when nothing is under way and something was since the last time that this was true. */
  takeIdle(): boolean {
    if (this.#underWay > 0 || !this.#used) return false;
    this.#used = false;
    return true;
  }
}
