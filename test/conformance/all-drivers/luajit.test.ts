// time limit: 300 s
import { spawnSync } from 'node:child_process';
import { MissingTool } from '../../peers/missing-tool.ts';
import { allCases } from './all-drivers.ts';

if (spawnSync('luajit', ['-v']).error) throw new MissingTool('luajit', 'install LuaJIT 2.1 (Debian: luajit)');
allCases('luajit');
