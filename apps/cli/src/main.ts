#!/usr/bin/env node
/** The `qsparse` program: the command line on the streams of this process. */
import { runCli } from './cli.ts';
import { processOutput } from './output.ts';

process.exitCode = await runCli(process.argv.slice(2), processOutput());
