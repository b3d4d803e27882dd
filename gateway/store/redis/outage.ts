import type { RedisStore as RedisConfiguration } from '../../configuration/index.ts';

export type StoreLog = (level: 'info' | 'warn', message: string) => void;

/** Tells operators that Redis is out of reach: each cause once, not at every attempt to connect, and when that is over. */
export class Outage {
  private readonly where: string;
  private readonly log: StoreLog;
  private readonly told = new Set<string>();

  constructor({ addresses, mode, sentinelMaster }: RedisConfiguration, log: StoreLog) {
    const servers = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
    this.where = mode === 'sentinel' ? `"${sentinelMaster}" of the sentinels at ${servers}` : `at ${servers}`;
    this.log = log;
  }

  began(cause: string): void {
    if (this.told.has(cause)) return;
    this.told.add(cause);
    this.log(
      'warn',
      `the store is out of reach, Redis ${this.where}: ${cause}; requests that need it get 503 until it answers`,
    );
  }

  ended(): void {
    if (this.told.size === 0) return;
    this.told.clear();
    this.log('info', `the store is back, Redis ${this.where}`);
  }
}
