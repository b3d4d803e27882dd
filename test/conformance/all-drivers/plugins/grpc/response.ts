import { asked, requestOf, responseOf, type ServerHook } from './plugin.ts';

export const showResponse: ServerHook = (object) => {
  const { look = [] } = asked(object);
  const response = responseOf(object);
  response.headers['X-Saw'] = JSON.stringify({
    status: response.statusCode,
    headers: Object.fromEntries(look.map((name) => [name, response.headers[name] ?? null])),
    base64: response.rawBody.toString('base64'),
    method: requestOf(object).method,
    url: requestOf(object).url,
    alias: object.session?.alias,
  });
};

export const showValues: ServerHook = (object) => {
  const { look = [] } = asked(object);
  const { headers, multivalueHeaders } = responseOf(object);
  const values = multivalueHeaders.filter(({ key }) => look.includes(key)).map(({ key, values }) => [key, values]);
  headers['X-Saw'] = JSON.stringify({ values: Object.fromEntries(values) });
};

export const editResponse: ServerHook = (object) => {
  const { status, setResponse = {}, deleteResponse = [], replyText, replyBase64 } = asked(object);
  const response = responseOf(object);
  if (status !== undefined) response.statusCode = status;
  for (const name of deleteResponse) delete response.headers[name];
  Object.assign(response.headers, setResponse);
  if (replyText !== undefined) response.rawBody = Buffer.from(replyText);
  if (replyBase64 !== undefined) response.rawBody = Buffer.from(replyBase64, 'base64');
};

export const addValues: ServerHook = (object) => {
  const list = responseOf(object).multivalueHeaders;
  for (const [key, values] of Object.entries(asked(object).addValues ?? {})) {
    const known = list.find((header) => header.key === key);
    if (known === undefined) list.push({ key, values: [...values] });
    else known.values.push(...values);
  }
};

export const leaveResponse: ServerHook = () => {};

function sign(name: string): ServerHook {
  return (object) => {
    const { headers } = responseOf(object);
    headers['X-Order'] = `${headers['X-Order'] ?? ''}${name}`;
  };
}

export const signOne = sign('one');
export const signTwo = sign('two');

export const breakResponse: ServerHook = () => {
  throw new Error('the hook broke');
};
