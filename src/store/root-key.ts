/** Where the root key comes from. The store asks once, at its opening, and wipes what it got when it closes. */
export interface RootKey {
  /**
   * The 32 bytes, in memory that the caller wipes. Throws `StoreFault` with the remedy where there is none. `firstStart`
   * allows a source to make what it keeps (a key file, a salt); otherwise what is missing is a fault.
   */
  load(firstStart: boolean): Promise<Buffer>;
}
