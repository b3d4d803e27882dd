// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
import type { Run } from './run.ts';
import type { TextTools } from './text.ts';

/** `TykJS`, with which scripts make their hooks. */
export interface TykJs {
  readonly TykJS: object;
  /** What the gateway of the original calls; scripts may bring one of their own. */
  readonly doProcessRequest: (request: any, session: any, config: any) => string | undefined;
  readonly doProcessResponse: (response: any, request: any, session: any, config: any) => string | undefined;
}

export function defineTykJs(
  define: (target: any, name: string, value: any) => void,
  { encode64, decode64 }: TextTools,
  { note }: Run,
): TykJs {
  const { stringify } = JSON;
  const { keys: keysOf } = Object;
  const textOf = String;

  const methodsOf = (prototype: any, methods: Record<string, any>): void => {
    for (const name of keysOf(methods)) define(prototype, name, methods[name]);
  };

  const MiddlewareComponentMeta: any = function (this: any, configuration: any) {
    this.configuration = configuration;
  };
  const doProcessRequest = function (this: any, request: any, session: any, config: any) {
    request.Body = decode64(textOf(request.Body), true) ?? decode64(textOf(request.Body), false);
    const result = this.ProcessRequest(request, session, config);
    if (!result) {
      note('error', ["Middleware didn't return request object!"]);
      return undefined;
    }
    result.Request.Headers = {};
    result.Request.Body = encode64(textOf(result.Request.Body), true);
    return stringify(result);
  };
  const doProcessResponse = function (this: any, response: any, request: any, session: any, config: any) {
    const result = this.ProcessResponse(response, request, session, config);
    if (!result) {
      note('error', ["Middleware didn't return response object!"]);
      return undefined;
    }
    return stringify(result);
  };
  methodsOf(MiddlewareComponentMeta.prototype, {
    ProcessRequest(request: any) {
      note('info', ['Process Request Not Implemented']);
      return request;
    },
    ProcessResponse(response: any) {
      note('info', ['Process Response Not Implemented']);
      return response;
    },
    DoProcessRequest: doProcessRequest,
    DoProcessResponse: doProcessResponse,
  });
  const NewMiddleware: any = function (this: any, configuration: any) {
    this.configuration = configuration;
  };
  NewMiddleware.prototype = new MiddlewareComponentMeta({});
  methodsOf(NewMiddleware.prototype, {
    NewProcessRequest(this: any, callback: any) {
      this.ProcessRequest = callback;
    },
    NewProcessResponse(this: any, callback: any) {
      this.ProcessResponse = callback;
    },
    ReturnData: (request: any, sessionMeta: any) => ({ Request: request, SessionMeta: sessionMeta }),
    ReturnAuthData: (request: any, session: any) => ({ Request: request, Session: session }),
    ReturnResponseData: (response: any, sessionMeta: any) => ({ Response: response, SessionMeta: sessionMeta }),
  });

  function EventHandlerComponentMeta(): void {}
  methodsOf(EventHandlerComponentMeta.prototype, {
    DoProcessEvent(this: any, event: any, context: any) {
      this.Handle(event, context);
    },
    Handle() {
      note('info', ['Handler Not Implemented']);
    },
  });
  function NewEventHandler(): void {}
  NewEventHandler.prototype = new (EventHandlerComponentMeta as any)();
  methodsOf(NewEventHandler.prototype, {
    NewHandler(this: any, callback: any) {
      this.Handle = callback;
    },
  });
  const TykJS = {
    TykMiddleware: { MiddlewareComponentMeta, NewMiddleware },
    TykEventHandlers: { EventHandlerComponentMeta, NewEventHandler },
  };
  define(globalThis, 'TykJS', TykJS);
  return { TykJS, doProcessRequest, doProcessResponse };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
