import { createGunzip, type Gunzip } from 'node:zlib';

/** Where unpacked bytes go, and whom to tell to wait. */
export interface GunzipPeers {
  /** A part of the body, unpacked. */
  unpacked(chunk: Buffer): void;
  unpackedAll(): void;
  /** It is no gzip, or ends too early. */
  unpackFailed(cause: Error): void;
  /** Take more packed bytes; the opposite of a `write` that returned false. */
  unpackMore(): void;
}

/** Unpacks a gzipped body as it comes. Holds no more than what one part of it unpacks to while the reader waits. */
export class BodyGunzip {
  private readonly stream: Gunzip = createGunzip();
  private readonly peers: GunzipPeers;
  private empty = true;

  constructor(peers: GunzipPeers) {
    this.peers = peers;
    this.stream.on('data', (chunk: Buffer) => peers.unpacked(chunk));
    this.stream.on('end', () => peers.unpackedAll());
    this.stream.on('error', (error) => peers.unpackFailed(error));
    this.stream.on('drain', () => peers.unpackMore());
  }

  /** False: no more until `unpackMore`. */
  write(chunk: Buffer): boolean {
    this.empty = false;
    return this.stream.write(chunk);
  }

  end(): void {
    // A body of no bytes at all is no gzip, but harmless.
    if (this.empty) this.peers.unpackedAll();
    else this.stream.end();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  destroy(): void {
    this.stream.destroy();
  }
}
