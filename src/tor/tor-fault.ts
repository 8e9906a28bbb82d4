/** Tor can't be used as it is: says what is wrong, and what the operator can do. Never shown to visitors. */
export class TorFault extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TorFault';
    this.remedy = remedy;
  }
}
