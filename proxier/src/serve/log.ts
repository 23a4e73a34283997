import { type DestinationStream, type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** Text for people, JSON for collectors. */
  readonly format: (typeof LOG_FORMATS)[number];
}

/** Logs go to standard error, and are written before the call returns: the last line of a crash counts most. */
export function makeLogger({ level, format }: LogOptions): Logger {
  const destination: DestinationStream =
    format === 'json'
      ? pino.destination({ fd: 2, sync: true })
      : PinoPretty({
          destination: 2,
          sync: true,
          colorize: process.stderr.isTTY === true,
          translateTime: 'SYS:HH:MM:ss.l',
          ignore: 'pid,hostname',
        });
  return pino({ level, base: null }, destination);
}
