import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createPolicies, type Policy } from '../../../gateway/session/index.ts';
import { applyPolicies } from '../../../gateway/session/policies/apply-policies.ts';
import type { Session } from '../../../gateway/session/session.ts';
import { sessionJson } from '../../../gateway/session/session-json.ts';

const policies = suite('policies');

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'policies-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const right = (version: string): object => ({ api_id: 'a', api_name: 'n', versions: [version] });

/** The session with these policies, as it would be stored. */
function applied(session: Session, byId: Record<string, Policy>): Session {
  const ids = Object.keys(byId);
  const all = new Map(ids.map((id) => [id, { id, org_id: 'o', ...byId[id] }]));
  const result = applyPolicies({ apply_policies: ids, ...session }, (id) => all.get(id), 'o');
  const { apply_policies: _, ...rest } = JSON.parse(sessionJson(result)) as Session;
  return rest;
}

policies('a policy replaces the limits of the session, and gives its rights', () => {
  assert.equal(
    applied(
      {
        rate: 5000,
        per: 1,
        quota_max: 5000,
        quota_renewal_rate: 1,
        tags: ['own'],
        meta_data: { own: 1, level: 'x' },
        access_rights: { b: {} },
      },
      {
        p: {
          rate: 10,
          per: 1,
          quota_max: 20,
          quota_renewal_rate: 60,
          tags: ['p'],
          meta_data: { level: 'silver' },
          access_rights: { a: right('v1') },
        },
      },
    ),
    {
      rate: 10,
      per: 1,
      quota_max: 20,
      quota_renewal_rate: 60,
      access_rights: { a: { versions: ['v1'], limit: { rate: 10, per: 1, quota_max: 20, quota_renewal_rate: 60 } } },
      meta_data: { own: 1, level: 'silver' },
      tags: ['p', 'own'],
    },
  );
});

policies('two policies join their rights; of rate and quota the more generous one counts', () => {
  const one: Policy = {
    rate: 100,
    per: 10,
    quota_max: 9,
    quota_renewal_rate: 60,
    access_rights: { a: right('Default'), far: right('v1') },
  };
  const two: Policy = { rate: 30, per: 1, quota_max: 6, quota_renewal_rate: 30, access_rights: { a: right('v3') } };
  assert.equal(applied({}, { one, two }), {
    rate: 30,
    per: 1,
    quota_max: 9,
    quota_renewal_rate: 60,
    access_rights: {
      a: {
        versions: ['Default', 'v3'],
        limit: { rate: 30, per: 1, quota_max: 9, quota_renewal_rate: 60 },
        allowance_scope: 'two',
      },
      far: {
        versions: ['v1'],
        limit: { rate: 100, per: 10, quota_max: 9, quota_renewal_rate: 60 },
        allowance_scope: 'one',
      },
    },
  });
});

policies('allowed urls of two policies are joined method by method', () => {
  const urls = (url: string, ...methods: string[]): Policy => ({
    access_rights: { a: { allowed_urls: [{ url, methods }] } },
  });
  const { access_rights } = applied(
    {},
    { one: urls('/a', 'GET'), two: urls('/a', 'POST', 'GET'), three: urls('/b', 'PUT') },
  );
  assert.equal(access_rights?.a?.allowed_urls, [
    { url: '/a', methods: ['GET', 'POST'] },
    { url: '/b', methods: ['PUT'] },
  ]);
});

policies('-1 is more than any quota', () => {
  const quota = (quota_max: number): Policy => ({ quota_max, access_rights: { a: right('v') } });
  assert.is(applied({}, { one: quota(5), two: quota(-1), three: quota(9) }).quota_max, -1);
});

policies('a policy with parts decides these, and the session the rest', () => {
  const part: Policy = {
    rate: 10,
    per: 10,
    quota_max: 4,
    quota_renewal_rate: 60,
    partitions: { acl: true, quota: true },
    access_rights: { a: right('v') },
  };
  assert.equal(applied({ rate: 40, per: 2, quota_max: 50, quota_renewal_rate: 30 }, { part }), {
    rate: 40,
    per: 2,
    quota_max: 4,
    quota_renewal_rate: 60,
    access_rights: { a: { versions: ['v'], limit: { rate: 40, per: 2, quota_max: 4, quota_renewal_rate: 60 } } },
  });
});

policies('parts of several policies are put together', () => {
  const acl: Policy = { partitions: { acl: true }, access_rights: { a: right('v') } };
  const rate: Policy = { rate: 7, per: 1, partitions: { rate_limit: true }, access_rights: { a: right('ignored') } };
  const { access_rights } = applied({ quota_max: 3, quota_renewal_rate: 9 }, { acl, rate });
  assert.equal(access_rights, {
    a: { versions: ['v'], limit: { rate: 7, per: 1, quota_max: 3, quota_renewal_rate: 9 } },
  });
});

policies('with per_api each right has limits of its own, and a counter of its own', () => {
  const each: Policy = {
    rate: 5,
    per: 1,
    partitions: { per_api: true },
    access_rights: { a: right('v'), b: { versions: ['v'], limit: { rate: 9, per: 1 } } },
  };
  assert.equal(applied({}, { each }).access_rights, {
    a: { api_name: 'n', api_id: 'a', versions: ['v'], limit: { rate: 5, per: 1 }, allowance_scope: 'each' },
    b: { versions: ['v'], limit: { rate: 9, per: 1 }, allowance_scope: 'b' },
  });
});

policies('without any right that is left, nobody enters', () => {
  const cases: [why: RegExp, byId: Record<string, Policy>][] = [
    [/there is no policy/, {}],
    [/another organisation/, { p: { org_id: 'elsewhere', access_rights: { a: {} } } }],
    [/no valid policies/, { p: { partitions: { quota: true }, access_rights: { a: {} } } }],
    [/no valid policies/, { p: { rate: 5, per: 1 } }],
    [/per_api together with other/, { p: { partitions: { per_api: true, quota: true }, access_rights: { a: {} } } }],
    [
      /for the same API/,
      { p: { access_rights: { a: {} } }, q: { partitions: { per_api: true }, access_rights: { a: {} } } },
    ],
  ];
  for (const [why, byId] of cases) {
    const session = Object.keys(byId).length === 0 ? { apply_policies: ['missing'] } : {};
    assert.throws(() => applied(session, byId), why);
  }
});

policies('unknown ones and those of others are skipped among several', () => {
  const known: Policy = { rate: 3, per: 1, access_rights: { a: right('v') } };
  assert.is(
    applied(
      { apply_policies: ['missing', 'known', 'foreign'] },
      { known, foreign: { ...known, org_id: 'x', rate: 99 } },
    ).rate,
    3,
  );
});

policies('whether a session is switched off is the policies to say, if it has any', () => {
  const on: Policy = { access_rights: { a: right('v') } };
  assert.is(applied({ is_inactive: true }, { on }).is_inactive, undefined);
  assert.is(applied({}, { on, off: { ...on, is_inactive: true } }).is_inactive, true);
});

policies('policies in the metadata count in place of those that are named', () => {
  const inline = [{ id: 'own', org_id: 'o', rate: 2, per: 1, access_rights: { a: { versions: ['v'] } } }];
  const { rate, access_rights } = applied(
    { meta_data: { policies: inline } },
    { named: { rate: 9, per: 1, access_rights: { b: {} } } },
  );
  assert.equal([rate, Object.keys(access_rights ?? {})], [2, ['a']]);
});

policies('without policies, a right with limits of its own is counted by itself', () => {
  const session: Session = { access_rights: { a: { limit: { rate: 1, per: 1 } }, b: { limit: { rate: 0 } } } };
  assert.equal(applied({ ...session, apply_policies: [] }, {}).access_rights, {
    a: { limit: { rate: 1, per: 1 }, allowance_scope: 'a' },
    b: {},
  });
});

policies('a policy itself is never changed', () => {
  const one: Policy = Object.freeze({
    rate: 1,
    per: 1,
    access_rights: Object.freeze({ a: Object.freeze({ versions: ['v1'] }) }),
  });
  const before = JSON.stringify(one);
  applied({}, { one, two: { rate: 9, per: 1, access_rights: { a: right('v2') } } });
  assert.is(JSON.stringify(one), before);
});

policies('a folder holds one policy a file; a broken one is named, and the others load', () =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'a.json'), '{"id":"one","Rate":5}');
    await writeFile(join(folder, 'named-by-file.json'), '{"org_id":"o"}');
    await writeFile(join(folder, 'b.json'), '{"id":"two","rate":"5"}');
    await writeFile(join(folder, 'notes.txt'), 'none');
    const { policies: loaded, problems } = await createPolicies(folder);
    assert.equal(
      loaded.all().map(({ id }) => id),
      ['one', 'named-by-file'],
    );
    assert.is(loaded.get('one')?.rate, 5);
    assert.equal(problems, [`${join(folder, 'b.json')}: "rate" must be a number, got "5"`]);
  }),
);

policies('what is saved or removed counts after the next load', () =>
  withFolder(async (folder) => {
    const { policies: loaded } = await createPolicies(folder);
    assert.is(await loaded.save({ id: 'new', rate: 1 }), 'new');
    assert.match(await loaded.save({ rate: 2 }), /^[0-9a-f]{32}$/);
    assert.is(loaded.get('new'), undefined);
    const { revision } = loaded;
    await loaded.load();
    assert.is(loaded.get('new')?.rate, 1);
    assert.is(loaded.all().length, 2);
    assert.is.not(loaded.revision, revision);
    await loaded.remove('new');
    await loaded.load();
    assert.is(loaded.get('new'), undefined);
    for (const id of ['new', '../escape', '.hidden', 'a/b']) {
      const error = await loaded.remove(id).catch((thrown: Error) => thrown);
      assert.ok(error instanceof Error, id);
    }
    const error = await loaded.save({ id: '../escape' }).catch((thrown: Error) => thrown);
    assert.match(String(error), 'cannot be the name');
  }),
);

policies('one file holds them by their ids, and is changed in place', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'policies.json');
    await writeFile(file, '{"one":{"id":"ignored","rate":5},"bad":7}');
    const { policies: loaded, problems } = await createPolicies(file);
    assert.equal(
      loaded.all().map(({ id }) => id),
      ['one'],
    );
    assert.is(problems.length, 1);
    await loaded.save({ id: 'two', rate: 2 });
    await loaded.remove('bad');
    assert.equal(await loaded.load(), []);
    assert.equal(
      loaded.all().map(({ id }) => id),
      ['one', 'two'],
    );
    assert.match(await readFile(file, 'utf8'), '"ignored"');
  }),
);

policies('without folder or file there are no policies, until one is saved', () =>
  withFolder(async (folder) => {
    const { policies: loaded, problems } = await createPolicies(join(folder, 'later'));
    assert.equal([loaded.all(), problems], [[], []]);
    await loaded.save({ id: 'first' });
    await loaded.load();
    assert.is(loaded.all().length, 1);
  }),
);

policies.run();
