/**
 * The one logger. It can say only what is listed here: fixed event names, and numbers under fixed names. Nothing that a
 * visitor sends can reach it, because no type of it takes a string.
 */
export type LogEvent =
  | 'round-failed'
  | 'sweep-failed'
  | 'decoder-failed'
  | 'tor-started'
  | 'tor-published'
  | 'tor-exited'
  | 'desk-exited'
  | 'desk-refused';

/** Numbers about the appliance itself; none of them depends on one request. */
export type LogNumbers = Partial<Readonly<Record<'code', number>>>;

export interface Logger {
  (event: LogEvent, numbers?: LogNumbers): void;
}

/** Writes a line per event: `chatpic: event name=number`. */
export function lineLogger(write: (line: string) => void): Logger {
  return (event, numbers = {}) => {
    const said = Object.entries(numbers).map(([name, value]) => ` ${name}=${value}`);
    write(`chatpic: ${event}${said.join('')}\n`);
  };
}

export const silentLogger: Logger = () => undefined;
