import type { Exchange } from '../exchange.ts';

/** What is gathered for the analytics record of one request while it runs. Requests without a record have none. */
export interface Recording {
  /** The request goes to an upstream. The answer is to be told each part of the client's body that streams there. */
  upstream(exchange: Exchange, host: string): ((chunk: Buffer) => void) | undefined;
  /** The head of the upstream's response took this long, in milliseconds. */
  answered(headMs: number): void;
  /** The request is over; called once. Status 0: the client went away before there was one. Never throws. */
  end(exchange: Exchange, status: number): void;
}

/** Makes the records of one API. */
export interface ApiRecorder {
  /** Begin when a request enters the API; undefined when there is to be no record of it. */
  begin(exchange: Exchange): Recording | undefined;
}
