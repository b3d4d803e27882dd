// time limit: 300 s
import { conformance } from './cases.ts';

conformance(['grpc', 'grpc-down', 'grpc-off', 'grpc-options'], true);
