/** How all rooms log: what happened, and fields to search by. The fields' values must be plain data. */
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
