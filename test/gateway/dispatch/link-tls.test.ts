import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLinkDispatcher } from '../../../gateway/dispatch/index.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { fakeCall, fakeSet, stamp } from './fake-driver.ts';
import { withCoprocess } from './link.ts';

const tls = suite('link over TLS');

/** What becomes of a gateway with these certificates. */
async function tryLink(
  certificates: Certificates,
  clientTls: { ca?: string; cert?: string; key?: string } | undefined,
): Promise<string> {
  let result = '';
  const serverTls = { ...certificates.server, clientCa: certificates.ca };
  await withCoprocess({ hooks: { stamp }, server: { tls: serverTls } }, async ({ address }) => {
    const target = address.replace('127.0.0.1', 'localhost');
    const dispatcher = createLinkDispatcher({ targets: [target], tls: clientTls });
    try {
      const report = await dispatcher.install(fakeSet('a', ['stamp']), AbortSignal.timeout(1000));
      if (report.refused !== undefined) result = report.refused;
      else {
        const [outcome] = await dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall());
        result = outcome?.answer === undefined ? 'failed' : 'answered';
      }
    } finally {
      await dispatcher.close();
    }
  });
  return result;
}

tls('a gateway with a certificate that the coprocess trusts is served', async () => {
  const certificates = makeCertificates();
  assert.is(await tryLink(certificates, { ca: certificates.ca, ...certificates.client }), 'answered');
});

tls('a gateway without a certificate is not', async () => {
  const certificates = makeCertificates();
  assert.match(await tryLink(certificates, { ca: certificates.ca }), /^no coprocess can be reached/);
});

tls('a gateway in plain text is not', async () => {
  assert.match(await tryLink(makeCertificates(), undefined), /^no coprocess can be reached/);
});

tls('a gateway does not talk to a coprocess whose certificate it cannot trust', async () => {
  const certificates = makeCertificates();
  assert.match(
    await tryLink(certificates, { ca: makeCertificates().ca, ...certificates.client }),
    /^no coprocess can be reached/,
  );
});

tls.run();
