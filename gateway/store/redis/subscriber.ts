import type { Redis } from 'ioredis';
import { type Connection, connectSubscriber, retryDelayMs } from './connection.ts';

export interface SubscriberEvents {
  onMessage(channel: string, message: string): void;
  /** Subscribed, after having been cut off. */
  onOpen(): void;
  /** Cut off. */
  onClose(): void;
}

/** The connection that listens to channels; made anew, elsewhere in a cluster, whenever it breaks. */
export class Subscriber {
  private readonly connection: Connection;
  private readonly channels = new Set<string>();
  private readonly events: SubscriberEvents;
  private listening: Redis | undefined;
  private attempts = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(connection: Connection, events: SubscriberEvents) {
    this.connection = connection;
    this.events = events;
  }

  add(channel: string): void {
    if (this.channels.has(channel)) return;
    this.channels.add(channel);
    // A failure closes the connection, and the next one subscribes to all channels.
    this.listening?.subscribe(channel).catch(() => this.reconnect());
  }

  /** Listen on a new connection; the old one is let go. */
  reconnect(): void {
    if (this.closed) return;
    this.drop();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.attempts === 0 ? 0 : retryDelayMs(this.attempts)).unref();
    this.attempts++;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.drop();
  }

  private open(): void {
    const redis = connectSubscriber(this.connection);
    if (redis === undefined) return this.reconnect();
    this.listening = redis;
    redis.on('message', (channel: string, message: string) => this.events.onMessage(channel, message));
    // The connection for commands reports what is wrong with Redis.
    redis.on('error', () => {});
    redis.once('end', () => {
      if (this.listening === redis) this.reconnect();
    });
    redis
      .connect()
      .then(() => redis.subscribe(...this.channels))
      .then(() => {
        if (this.listening !== redis) return;
        this.attempts = 0;
        this.events.onOpen();
      })
      .catch(() => {
        if (this.listening === redis) this.reconnect();
      });
  }

  private drop(): void {
    const redis = this.listening;
    this.listening = undefined;
    if (redis === undefined) return;
    redis.disconnect();
    this.events.onClose();
  }
}
