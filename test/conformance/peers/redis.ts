import { Redis } from 'ioredis';

/** What `redis-cli` would print for one command. */
export async function redisCommand(port: number, words: readonly (string | number)[]): Promise<string> {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true });
  try {
    await client.connect();
    const [command, ...args] = words.map(String);
    return shown(await client.call(command as string, ...args)).trim();
  } finally {
    client.disconnect();
  }
}

function shown(reply: unknown): string {
  if (reply === null || reply === undefined) return '';
  return Array.isArray(reply) ? reply.map(shown).join('\n') : String(reply);
}
