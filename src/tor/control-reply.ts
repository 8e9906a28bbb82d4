/**
 * Replies and events of tor's control protocol (control-spec, section 2.3), as they come over a socket in pieces.
 *
 *   reply = *( status "-" text CRLF | status "+" text CRLF data "." CRLF ) status " " text CRLF
 */
export interface ControlReply {
  /** Three digits: 250 is done, 650 an event, 4xx and 5xx refusals. */
  readonly status: number;
  /** The text of each line without its status; a data block is part of the line that opens it, after a line feed. */
  readonly lines: readonly string[];
}

/** What is kept of a reply that never ends. `circuit-status` of a busy service has some hundred kilobytes. */
const MAX_REPLY = 4 * 1024 * 1024;

export class ReplyParser {
  #rest = '';
  #lines: string[] = [];
  #data: string[] | null = null;
  #held = 0;

  /** The replies that `text` completes, in order. Throws on what is not the control protocol. */
  push(text: string): ControlReply[] {
    const lines = (this.#rest + text).split('\r\n');
    this.#rest = lines.pop() ?? '';
    this.#held += text.length;
    const replies: ControlReply[] = [];
    for (const line of lines) {
      const reply = this.#line(line);
      if (reply === null) continue;
      replies.push(reply);
      this.#held = 0;
    }
    if (this.#held > MAX_REPLY) throw new Error('a control reply is too long');
    return replies;
  }

  #line(line: string): ControlReply | null {
    if (this.#data !== null) return this.#dataLine(this.#data, line);
    const [, status, kind, text = ''] = /^(\d{3})([-+ ])(.*)$/s.exec(line) ?? [];
    if (status === undefined) throw new Error('not a line of the control protocol');
    this.#lines.push(text);
    if (kind === '+') this.#data = [];
    if (kind !== ' ') return null;
    const reply = { status: Number(status), lines: this.#lines };
    this.#lines = [];
    return reply;
  }

  #dataLine(data: string[], line: string): null {
    if (line !== '.') {
      data.push(line.startsWith('.') ? line.slice(1) : line);
      return null;
    }
    this.#lines.push([this.#lines.pop() ?? '', ...data].join('\n'));
    this.#data = null;
    return null;
  }
}
