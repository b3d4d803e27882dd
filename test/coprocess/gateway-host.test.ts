import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayHost } from '../../coprocess/index.ts';

const gatewayHost = suite('what plugins ask of the gateway');

const silent = (): void => {};
const gateway = (name: string) => async (service: string) => `${name}: ${service}`;

gatewayHost('goes to the gateway that installed the set, the last one where several did', async () => {
  const host = new GatewayHost(silent);
  const [one, two] = [gateway('one'), gateway('two')];
  host.attach(one).add('a').add('both');
  host.attach(two).add('b').add('both');
  assert.is(await host.forSet('a').request('keys.get', {}), 'one: keys.get');
  assert.is(await host.forSet('b').request('keys.get', {}), 'two: keys.get');
  assert.is(await host.forSet('both').request('keys.get', {}), 'two: keys.get');
  host.detach(two);
  assert.is(await host.forSet('both').request('keys.get', {}), 'one: keys.get');
});

gatewayHost('is answered by the coprocess itself where it has services and no gateway is attached', async () => {
  const host = new GatewayHost(silent, gateway('own'));
  assert.is(await host.forSet('a').request('storage.get', {}), 'own: storage.get');
});

gatewayHost('fails with a clear text where there is nobody to ask', async () => {
  const error = await new GatewayHost(silent)
    .forSet('a')
    .request('storage.get', {})
    .catch((thrown: Error) => thrown.message);
  assert.is(
    error,
    'no gateway is attached that could answer "storage.get", and this coprocess has no store of its own',
  );
});

gatewayHost.run();
