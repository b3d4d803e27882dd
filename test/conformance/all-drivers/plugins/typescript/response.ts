import { response } from 'interpose/plugin';
import { asked } from './asked.ts';

export const showResponse = response({ body: 'bytes' }, (answer, { request, session }) => {
  const { look = [] } = asked(request);
  const saw = {
    status: answer.status,
    headers: Object.fromEntries(look.map((name) => [name, answer.headers.get(name)])),
    base64: Buffer.from(answer.body).toString('base64'),
    method: request.method,
    url: request.url,
    alias: session?.alias ?? '',
  };
  answer.headers.set('X-Saw', JSON.stringify(saw));
});

export const showValues = response((answer, { request }) => {
  const { look = [] } = asked(request);
  const values = Object.fromEntries(look.map((name) => [name, answer.headers.getAll(name)]));
  answer.headers.set('X-Saw', JSON.stringify({ values }));
});

export const editResponse = response({ body: 'bytes' }, (answer, { request }) => {
  const { status, setResponse = {}, deleteResponse = [], replyText, replyBase64 } = asked(request);
  if (status !== undefined) answer.status = status;
  for (const name of deleteResponse) answer.headers.delete(name);
  for (const [name, value] of Object.entries(setResponse)) answer.headers.set(name, value);
  if (replyText !== undefined) answer.body = replyText;
  if (replyBase64 !== undefined) answer.body = Buffer.from(replyBase64, 'base64');
});

export const addValues = response((answer, { request }) => {
  for (const [name, values] of Object.entries(asked(request).addValues ?? {})) {
    for (const value of values) answer.headers.append(name, value);
  }
});

export const leaveResponse = response(() => {});

export const signOne = response((answer) => answer.headers.set('X-Order', `${answer.headers.get('x-order') ?? ''}one`));
export const signTwo = response((answer) => answer.headers.set('X-Order', `${answer.headers.get('x-order') ?? ''}two`));

export const breakResponse = response(() => {
  throw new Error('the hook broke');
});
