// test-timeout: 300
import { conformance } from './cases.ts';

conformance(['grpc', 'grpc-down', 'grpc-off', 'grpc-options'], false);
