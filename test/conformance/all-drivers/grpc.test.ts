import { allCases } from './all-drivers.ts';

allCases('grpc');
