import type { MethodDefinition } from 'nice-grpc';

interface Service {
  readonly fullName: string;
}

interface Method<RequestStream extends boolean, ResponseStream extends boolean> {
  readonly name: string;
  readonly requestStream: RequestStream;
  readonly responseStream: ResponseStream;
}

const asBytes = (bytes: Uint8Array): Buffer => bytes as Buffer;

/** A method whose messages are handed through as bytes: who serves it reads and writes them by hand. */
export function passThrough<RequestStream extends boolean, ResponseStream extends boolean>(
  service: Service,
  method: Method<RequestStream, ResponseStream>,
): MethodDefinition<Buffer, Buffer, Buffer, Buffer, RequestStream, ResponseStream> {
  return {
    path: `/${service.fullName}/${method.name}`,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
    options: {},
  };
}
