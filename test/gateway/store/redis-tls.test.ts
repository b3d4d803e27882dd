import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientTls } from '../../../gateway/configuration/index.ts';
import { createStore } from '../../../gateway/store/index.ts';
import { certificate, privateKey } from '../upstream/certificate.ts';
import { endServers, redisConfiguration, withStores } from './stores.ts';

const tls = suite('redis over TLS');

const anyTls: ClientTls = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
};

/** Run `use` with the port of a Redis that speaks TLS: a real one behind a TLS end of our own. */
function withTlsPort(use: (port: number) => Promise<void>): Promise<void> {
  return withStores('redis', async ({ raw }) => {
    const ends = new Set<{ destroy(): void }>();
    const front = createServer(
      { cert: certificate, key: privateKey, ca: certificate, requestCert: true, rejectUnauthorized: false },
      (socket) => {
        const behind = connect(raw.options.port as number, '127.0.0.1');
        for (const end of [socket, behind]) ends.add(end.on('error', () => {}));
        socket.pipe(behind).pipe(socket);
      },
    );
    front.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    try {
      await use((front.address() as AddressInfo).port);
    } finally {
      for (const end of ends) end.destroy();
      await new Promise((resolve) => front.close(resolve));
    }
  });
}

tls('a server whose authority we know is spoken to', () =>
  withTlsPort(async (port) => {
    const store = await createStore(
      redisConfiguration([port], { tls: { ...anyTls, ca: certificate, cert: certificate, key: privateKey } }),
    );
    await store.set('apikey-tls', 'x', 0);
    assert.is(await store.get('apikey-tls'), 'x');
    assert.is(store.hearing, true);
    await store.close();
  }),
);

tls('a server that nobody vouches for is not, unless told so', () =>
  withTlsPort(async (port) => {
    const reports: string[] = [];
    const refused = await createStore(redisConfiguration([port], { tls: anyTls, timeoutMs: 500 }), (_, message) =>
      reports.push(message),
    );
    assert.is(refused.available, false);
    assert.ok(
      reports.some((message) => /self.signed/i.test(message)),
      String(reports),
    );
    await refused.close();
    const named = { ...anyTls, ca: certificate, serverName: 'another.example' };
    const other = await createStore(redisConfiguration([port], { tls: named, timeoutMs: 500 }));
    assert.is(other.available, false);
    await other.close();
    const blind = await createStore(redisConfiguration([port], { tls: { ...anyTls, insecureSkipVerify: true } }));
    assert.is(blind.available, true);
    await blind.close();
  }),
);

tls.after(endServers);
tls.run();
