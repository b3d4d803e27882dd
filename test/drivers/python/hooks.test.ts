import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { PluginFailure } from '../../../contract/failure.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { kinds, withPython } from './with-python.ts';

const plugin = `
import json
from tyk.decorators import *
from tyk.session import TykSession
from gateway import TykGateway as tyk
from google.protobuf.json_format import MessageToDict, MessageToJson

@Hook
def headers(request, session, spec):
    request.add_header("X-Saw", repr(request.get_header("x-in")) + request.get_header("X-In"))
    request.delete_header("X-Gone")
    request.add_header("X-Text", "grün")
    request.add_param("q", "ü")
    request.delete_param("p")
    return request, session

@Hook
def echo(request, session, spec):
    o = request.object
    o.set_headers["X-Seen"] = json.dumps([o.method, o.url, o.scheme, o.request_uri, dict(o.headers), dict(o.params), o.body])
    o.raw_body = o.raw_body + b"!"
    o.method = "PUT"
    o.url = "/moved"
    return request, session

@Hook
def refuse(request, session, spec):
    overrides = request.object.return_overrides
    overrides.response_code = 401
    overrides.response_error = "no"
    overrides.headers["X-Why"] = "because"
    return request, session

@Hook
def check(request, session, metadata, spec):
    session.rate = 10
    session.access_rights["orders"].versions.append("v1")
    session.access_rights["orders"].allowed_urls.add(url="/a", methods=["GET"])
    session.quota_max = 2 ** 60
    session.basic_auth_data.password = "p"
    metadata["token"] = spec["APIID"]
    return request, session, metadata

@Hook
def untouched(request, session, metadata, spec):
    return request, session, metadata

@Hook
def known(request, session, metadata, spec):
    rights = session.access_rights["orders"]
    request.add_header("X-Known", json.dumps([
        session.alias, session.rate, list(session.tags), dict(metadata), rights.api_name, [u.url for u in rights.allowed_urls],
        "config_data" in spec and json.loads(spec["config_data"]), session.quota_max]))
    return request, session, metadata

@Hook
def answer(request, response, session, metadata, spec):
    response.status_code += 1
    response.headers["X-Request-Body"] = request.object.body
    del response.headers["X-Drop"]
    response.raw_body = response.raw_body.upper()

@Hook
def wrong_status(request, response, session, metadata, spec):
    response.status_code = 7

@Hook
def dump(request, session, spec):
    request.object.return_overrides.response_code = 200
    request.object.return_overrides.response_body = json.dumps([
        MessageToDict(request.object), json.loads(MessageToJson(request.object, preserving_proto_field_name=True))], sort_keys=True)
    return request, session

def attempt(f):
    try:
        return repr(f())
    except Exception as e:
        return type(e).__name__

@Hook
def containers(request, session, spec):
    o = request.object
    mine = TykSession(alias="a", tags=["t"], metadata={"k": "v"})
    other = TykSession()
    other.CopyFrom(mine)
    other.metadata.update({"n": "1"})
    r = session.access_rights
    results = [
        lambda: o.headers["nothing"], lambda: "nothing" in o.headers, lambda: sorted(dict(o.headers)), lambda: o.headers.pop("X-In"),
        lambda: o.set_headers.update({"A": "1"}), lambda: o.set_headers.__setitem__("A", 5), lambda: o.set_headers.__setitem__(5, "a"),
        lambda: setattr(o, "headers", {}), lambda: setattr(o, "raw_body", "text"), lambda: setattr(o, "unknown", 1),
        lambda: setattr(o, "method", b"GET"), lambda: o.method, lambda: setattr(o, "method", b"\\xff"),
        lambda: setattr(o.return_overrides, "response_code", 1.5), lambda: setattr(o.return_overrides, "response_code", 2 ** 31),
        lambda: setattr(o.return_overrides, "override_error", 1), lambda: o.return_overrides.override_error,
        lambda: setattr(session, "per", 3), lambda: session.per, lambda: setattr(session, "per", "3"),
        lambda: setattr(o, "return_overrides", None), lambda: setattr(session, "tags", ["a"]),
        lambda: session.tags.extend(["a", "b"]), lambda: session.tags.append(1), lambda: list(session.tags), lambda: session.tags.remove("a"),
        lambda: session.tags[0], lambda: session.tags[:], lambda: session.tags == ["b"], lambda: len(session.tags),
        lambda: session.tags.__delitem__(slice(None)), lambda: list(session.tags),
        lambda: r["x"].api_id, lambda: "x" in r, lambda: r.__setitem__("y", r["x"]), lambda: sorted(r),
        lambda: (other.alias, list(other.tags), sorted(other.metadata.items())), lambda: mine == other, lambda: len(mine.metadata),
        lambda: other.HasField("monitor"), lambda: other.monitor.trigger_limits.extend([1, 2.5]), lambda: other.HasField("monitor"),
        lambda: list(other.monitor.trigger_limits), lambda: other.ClearField("monitor"), lambda: other.HasField("monitor"),
        lambda: other.HasField("alias"), lambda: TykSession(nonsense=1), lambda: o.set_headers.__delitem__("none"),
        lambda: session.metadata.MergeFrom({"a": "b"}), lambda: setattr(session, "alias", None),
        lambda: setattr(session, "alias", "\\ud800"), lambda: bool(session.metadata), lambda: session.metadata.get("z", "d"),
        lambda: [k for k in o.params], lambda: o.headers == {"a": "b"}, lambda: str(TykSession(alias="x")),
    ]
    o.return_overrides.response_body = json.dumps([attempt(f) for f in results])
    o.return_overrides.response_code = 200
    return request, session
`;

const hooks = [
  ['headers', 'pre'],
  ['echo', 'post'],
  ['refuse', 'pre'],
  ['check', 'auth'],
  ['untouched', 'auth'],
  ['known', 'post'],
  ['answer', 'response'],
  ['wrong_status', 'response'],
  ['dump', 'pre'],
  ['containers', 'pre'],
] as const;
const at = (name: (typeof hooks)[number][0]): number => hooks.findIndex(([one]) => one === name);

const seen = (answer: HookAnswer): unknown => JSON.parse(answer.request?.setHeaders?.[0]?.[1] ?? '');

for (const kind of kinds) {
  const claims = suite(`python hooks, ${kind}`);
  const files = { 'middleware.py': plugin };

  claims('headers and parameters are set and deleted, as UTF-8', async () => {
    await withPython({ kind, files, hooks }, async ({ run }) => {
      const { request } = await run(at('headers'), { headers: { 'X-In': 'in' } });
      assert.equal(request?.setHeaders?.toSorted(), [
        ['X-Saw', 'Nonein'],
        ['X-Text', Buffer.from('grün').toString('latin1')],
      ]);
      assert.equal(request?.deleteHeaders, ['X-Gone']);
      assert.equal(request?.addParams, [['q', Buffer.from('ü').toString('latin1')]]);
      assert.equal(request?.deleteParams, ['p']);
    });
  });

  claims('a hook sees the request as the contract shows it, and may replace URL, method and body', async () => {
    await withPython({ kind, files, hooks }, async ({ run }) => {
      const answer = await run(at('echo'), {
        method: 'POST',
        url: '/a?p=1&p=2&q=%C3%BC+x&bad=%zz&semi;colon=1&empty',
        rawHeaders: ['x-twice', 'one', 'X-Twice', 'two'],
        body: 'hü',
      });
      const uri = '/a?p=1&p=2&q=%C3%BC+x&bad=%zz&semi;colon=1&empty';
      const headers = { 'X-Twice': 'one', Host: 'api.example' };
      assert.equal(seen(answer), ['POST', uri, 'http', uri, headers, { p: '1', q: 'ü x', empty: '' }, 'hü']);
      assert.is(answer.request?.body?.toString(), 'hü!');
      assert.equal([answer.request?.method, answer.request?.url], ['PUT', '/moved']);
    });
  });

  claims('overrides are a reply', async () => {
    await withPython({ kind, files, hooks }, async ({ run }) => {
      const { reply } = await run(at('refuse'));
      assert.equal(reply, { status: 401, headers: [['X-Why', 'because']], body: Buffer.from('no'), template: true });
    });
  });

  claims('an auth hook fills in a session; one that touches nothing gives none', async () => {
    await withPython({ kind, files, hooks }, async ({ run }) => {
      const session = SessionState.decode((await run(at('check'))).session as Uint8Array);
      assert.is(new Map(Object.entries(session.metadata)).get('token'), 'orders');
      assert.is(session.rate, 10);
      assert.is(session.quotaMax, 2n ** 60n);
      assert.is(session.basicAuthData?.password, 'p');
      assert.is((await run(at('untouched'))).session, undefined);
    });
  });

  claims('later hooks see the session, and the API’s config data', async () => {
    await withPython({ kind, files, hooks, configData: { b: 1, a: '<' } }, async ({ run }) => {
      const session = SessionState.encode(
        SessionState.fromJSON({
          alias: 'ali',
          rate: 3,
          tags: ['t'],
          metadata: { role: 'reader' },
          accessRights: { orders: { apiName: 'Orders', allowedUrls: [{ url: '/u', methods: [] }] } },
          quotaMax: 12,
        }),
      ).finish();
      const answer = await run(at('known'), { session });
      assert.equal(seen(answer), ['ali', 3, ['t'], { role: 'reader' }, 'Orders', ['/u'], { a: '<', b: 1 }, 12]);
    });
  });

  claims('a response hook changes status, headers and body in place', async () => {
    await withPython({ kind, files, hooks }, async ({ run }) => {
      const response = { status: 200, headers: ['X-Drop', '1', 'X-Keep', 'a', 'X-Keep', 'b'], body: 'up' };
      const answer = await run(at('answer'), { method: 'POST', body: 'asked', response });
      assert.is(answer.response?.status, 201);
      assert.is(answer.response?.body?.toString(), 'UP');
      assert.equal(answer.response?.headers?.toSorted(), [
        ['X-Keep', 'a'],
        ['X-Keep', 'b'],
        ['X-Request-Body', 'asked'],
      ]);
      const failure = await run(at('wrong_status'), { response }).catch((error: unknown) => error);
      assert.is((failure as PluginFailure).reason, 'REPLY_INVALID');
    });
  });

  claims('MessageToDict takes the live request', async () => {
    await withPython({ kind, files, hooks }, async ({ run }) => {
      const { reply } = await run(at('dump'), { method: 'POST', url: '/a?b=1', body: 'abc' });
      const same = {
        body: 'abc',
        headers: { Host: 'api.example' },
        method: 'POST',
        params: { b: '1' },
        scheme: 'http',
      };
      assert.equal(JSON.parse(reply?.body.toString() ?? ''), [
        { ...same, rawBody: 'YWJj', requestUri: '/a?b=1', returnOverrides: { responseCode: 200 }, url: '/a?b=1' },
        { ...same, raw_body: 'YWJj', request_uri: '/a?b=1', return_overrides: { response_code: 200 }, url: '/a?b=1' },
      ]);
    });
  });

  claims.run();
}

const both = suite('python messages');

both('look-alikes do what the real messages do', async () => {
  const said: unknown[] = [];
  for (const kind of kinds) {
    await withPython({ kind, files: { 'middleware.py': plugin }, hooks }, async ({ run }) => {
      const { reply } = await run(at('containers'), { url: '/a?x=1', headers: { 'X-In': 'in' } });
      said.push(JSON.parse(Buffer.from(reply?.body ?? '').toString()));
    });
  }
  assert.equal(said[1], said[0]);
});

both.run();
