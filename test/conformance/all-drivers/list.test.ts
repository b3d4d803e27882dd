import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Case, type Expectation, loadSubjects, type Seen, type Step } from './case.ts';
import { languages } from './language.ts';

/** The list itself: what is misspelt in it would be looked at by nobody. */
const list = suite('list of cases');

const subjects = loadSubjects();
const languageNames = new Set(Object.values(languages).flatMap(({ names }) => names));

const seenKeys = ['status', 'method', 'target', 'headers', 'says', 'body', 'body64', 'json', 'length'];
const expectationKeys = ['upstream', 'client', 'trace'];
const stepKeys = [...expectationKeys, 'request', 'do', 'answers', 'differs'];
const messageKeys = ['method', 'path', 'status', 'headers', 'body', 'body64', 'repeat'];
const apiKeys = ['pre', 'auth', 'postKeyAuth', 'post', 'response', 'definition', 'oas', 'bundle'];

list('there are at least 120 cases, each with a name of its own', () => {
  const names = subjects.flatMap(({ name, cases }) => cases.map((one) => `${name}: ${one.name}`));
  assert.ok(names.length >= 120, `${names.length} cases`);
  assert.is(new Set(names).size, names.length);
});

list('every API is asked by a case, and every case has an API', () => {
  for (const { name, apis, cases } of subjects) {
    // A loop goes on in an API that no client asks: its hooks are in the trace.
    const reached = cases.flatMap(({ trace = [] }) => trace.filter((hook) => hook.includes('.')));
    const asked = [...cases.map(({ api }) => api), ...reached.map((hook) => hook.replace(/\..*/, ''))];
    assert.equal([...new Set(asked)].sort(), Object.keys(apis).sort(), name);
  }
});

list('nothing is misspelt', () => {
  for (const { name, plugin, apis, cases, ...rest } of subjects) {
    assert.type(plugin, 'string');
    assert.equal(rest, {}, name);
    for (const [api, spec] of Object.entries(apis)) known(spec, apiKeys, `${name}: ${api}`);
    for (const one of cases) checkCase(one, `${name}: ${one.name}`);
  }
});

function checkCase({ name: _name, api: _api, not = {}, steps, ...step }: Case, where: string): void {
  known(not, languageNames, where);
  if (steps === undefined) return checkStep(step, where);
  assert.equal(step, {}, `${where}: with "steps" everything is said in them`);
  for (const one of steps) checkStep(one, where);
}

function checkStep({ differs = {}, ...step }: Step, where: string): void {
  known(step, stepKeys, where);
  known(step.request ?? {}, messageKeys, where);
  known(step.answers ?? {}, messageKeys, where);
  checkExpectation(step, where);
  known(differs, languageNames, where);
  for (const { why, ...own } of Object.values(differs)) {
    assert.ok(why, `${where}: a difference has a reason`);
    known(own, expectationKeys, where);
    checkExpectation(own, where);
  }
}

function checkExpectation({ upstream, client }: Expectation, where: string): void {
  for (const seen of [upstream, client] as (Seen | 'none' | undefined)[]) {
    if (typeof seen === 'object') known(seen, seenKeys, where);
    else assert.ok(seen === undefined || seen === 'none', where);
  }
}

function known(object: object, names: Iterable<string>, where: string): void {
  const all = new Set(names);
  for (const key of Object.keys(object)) assert.ok(all.has(key), `${where}: "${key}" is nothing that cases have`);
}

list.run();
