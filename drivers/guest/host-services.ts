import type { Host } from '../driver.ts';
import type { Message } from './frame.ts';

/** What a guest asks of the gateway, and the replies to it. */
export class HostServices {
  private readonly host: Host;
  private readonly send: (json: string) => void;
  private open = 0;

  constructor(host: Host, send: (json: string) => void) {
    this.host = host;
    this.send = send;
  }

  /** Ask the gateway, and reply to the guest, now or later. */
  onRequest(message: Message): void {
    const { id, service, args } = message;
    if (typeof id !== 'number' || typeof service !== 'string') return;
    if (this.open >= maxOpenRequests) {
      this.refuse(id, `more than ${maxOpenRequests} requests to the gateway are open`);
      return;
    }
    this.open++;
    void this.reply(id, service, args);
  }

  private async reply(id: number, service: string, args: unknown): Promise<void> {
    try {
      const result = (await this.host.request(service, args)) ?? null;
      this.send(JSON.stringify({ type: 'reply', id, result }));
    } catch (error) {
      this.refuse(id, error instanceof Error ? error.message : String(error));
    } finally {
      this.open--;
    }
  }

  private refuse(id: number, error: string): void {
    this.send(JSON.stringify({ type: 'reply', id, error }));
  }
}

const maxOpenRequests = 1024;
