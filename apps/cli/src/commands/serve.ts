/** `qsparse serve MODEL`: a model behind an HTTP API of OpenAI's shape. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Device } from '@qsparse/core';
import { type ChatTemplate, createChatTemplate } from '@qsparse/data';
import { withFileErrors } from '@qsparse/formats/node';
import { createEngine, type Engine } from '@qsparse/models';
import type { LoadedModel } from 'qsparse';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  requiredPositional,
  UsageError,
} from '../command.ts';
import { type Interrupt, listenForInterrupt } from '../interrupt.ts';
import { MODEL_OPTIONS, modelFlags, openModel } from '../model-options.ts';
import { openDevice } from '../open-device.ts';
import type { Output } from '../output.ts';
import { isLoopback } from '../serve/access.ts';
import type { Limits } from '../serve/served-model.ts';
import { type ModelServer, startServer } from '../serve/server.ts';
import { createTokenTexts } from '../serve/token-texts.ts';

const DEFAULTS = { host: '127.0.0.1', port: 8000, slots: 8, queue: 64, mebibytes: 4 } as const;
/** A key on the command line can be read by every user of the machine; here it cannot. */
const KEY_VARIABLE = 'QSPARSE_API_KEY';

export const command: Command = {
  name: 'serve',
  usage: 'MODEL [--port N] [--host ADDRESS] [--slots N]',
  summary: "Serves a model over HTTP in the shape of OpenAI's API, until Ctrl-C.",
  positionals: 1,
  options: {
    port: { type: 'string', value: 'N', help: `port, 0 for a free one (default ${DEFAULTS.port})` },
    host: {
      type: 'string',
      value: 'ADDRESS',
      help: `address to listen on (default ${DEFAULTS.host}: this machine alone)`,
    },
    name: { type: 'string', value: 'NAME', help: "what clients call the model (default: its folder's name)" },
    slots: { type: 'string', value: 'N', help: `texts that are written at once (default ${DEFAULTS.slots})` },
    queue: {
      type: 'string',
      value: 'N',
      help: `texts that wait for a slot; more are refused (default ${DEFAULTS.queue})`,
    },
    ...MODEL_OPTIONS,
    chunk: {
      type: 'string',
      value: 'N',
      help: 'tokens of a prompt that are read at once; fewer take less memory (default 128)',
    },
    'max-tokens': {
      type: 'string',
      value: 'N',
      help: 'most tokens of an answer (default: what the context has room for)',
    },
    'max-body': {
      type: 'string',
      value: 'MIB',
      help: `most MiB of a request (default ${DEFAULTS.mebibytes})`,
    },
    'api-key': {
      type: 'string',
      value: 'KEY',
      help: `what clients must send as bearer key (default: $${KEY_VARIABLE}; without either, nothing)`,
    },
    cors: {
      type: 'string',
      multiple: true,
      value: 'ORIGIN',
      help: 'let web pages of this origin in, * for all; may be given repeatedly',
    },
    template: { type: 'string', value: 'FILE', help: "a Jinja chat template in place of the model's own" },
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const path = requiredPositional(command, args, 'the model folder');
    const settings = settingsOf(args);
    const source = modelFlags('serve', args);
    const flags = deviceFlags('serve', args);
    const note = (line: string): void => output.error(line);
    const interrupt = listenForInterrupt(() => {
      if (engine) note('stopping when running answers have ended; once more ends them now');
    });
    let server: ModelServer | undefined;
    let opened: Device | undefined;
    let engine: Engine | undefined;
    try {
      // First of all: that a port is taken is said before the minutes that a large model needs.
      server = await startServer({ ...settings, report: note });
      opened = await openDevice(flags, note);
      const { signal } = interrupt;
      const loaded = await openModel(path, opened, source, { signal, note });
      const { slots, queueLength, chunkLength } = settings;
      const { tokenizer } = loaded;
      const template = await templateOf(loaded, settings.template);
      engine = createEngine(loaded.model, tokenizer, { slots, queueLength, chunkLength });
      const id = settings.name ?? basename(resolve(path)).replace(/\.gguf$/, '');
      const { contextLength } = loaded.model.config;
      const created = Math.floor(Date.now() / 1000);
      const tokenTexts = createTokenTexts(tokenizer);
      server.open({ id, created, tokenizer, tokenTexts, template, contextLength, engine }, opened);
      announce({ id, url: server.url, slots, contextLength, device: opened.name }, args, output);
      if (!isLoopback(settings.host) && settings.apiKey === undefined)
        note(
          `[serve] everybody who can reach ${server.url} may use it; --api-key or $${KEY_VARIABLE} is a lock`,
        );
      await asked(interrupt);
      return interrupt.exitCode ?? 0;
    } catch (error) {
      if (interrupt.exitCode !== undefined && error === interrupt.signal.reason) return interrupt.exitCode;
      throw error;
    } finally {
      // Answers first, then what they are made with.
      await server?.close();
      await engine?.close();
      opened?.dispose();
      interrupt.dispose();
    }
  },
};

interface Settings {
  readonly host: string;
  readonly port: number;
  readonly name: string | undefined;
  readonly slots: number;
  readonly queueLength: number;
  readonly chunkLength: number | undefined;
  readonly limits: Limits;
  readonly apiKey: string | undefined;
  readonly origins: readonly string[];
  readonly template: string | undefined;
}

/** Throws UsageError naming the option. */
function settingsOf({ flags }: Arguments): Settings {
  const integer = (name: string, min: number) => integerFlag('serve', name, flags[name], { min });
  const fail = (what: string): never => {
    throw new UsageError(`[serve] ${what}`);
  };
  const text = (name: string): string | undefined => {
    const value = flags[name] as string | undefined;
    return value === '' ? fail(`--${name} must not be empty`) : value;
  };
  const port = integer('port', 0) ?? DEFAULTS.port;
  if (port > 65_535) fail(`--port must be at most 65535, got ${port}`);
  const apiKey = text('api-key') ?? (process.env[KEY_VARIABLE] || undefined);
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    fail('a key must consist of visible ASCII characters, without spaces');
  const origins = (flags.cors ?? []) as readonly string[];
  for (const origin of origins)
    if (origin !== '*' && !isOrigin(origin))
      fail(`--cors must be an origin such as http://localhost:5173, or *, got "${origin}"`);
  const slots = integer('slots', 1) ?? DEFAULTS.slots;
  const queueLength = integer('queue', 0) ?? DEFAULTS.queue;
  return {
    host: text('host') ?? DEFAULTS.host,
    port,
    name: text('name'),
    slots,
    queueLength,
    chunkLength: integer('chunk', 1),
    limits: {
      body: (integer('max-body', 1) ?? DEFAULTS.mebibytes) * 2 ** 20,
      texts: slots + queueLength,
      maxTokens: integer('max-tokens', 1),
    },
    apiKey,
    origins,
    template: text('template'),
  };
}

function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}

/** Undefined for a model without a template: it is served all the same. Throws TokenizerError for one that is not Jinja. */
async function templateOf(
  { tokenizer }: LoadedModel,
  file: string | undefined,
): Promise<ChatTemplate | undefined> {
  if (file !== undefined) {
    const template = await withFileErrors('serve', file, () => readFile(file, 'utf8'));
    return createChatTemplate(tokenizer, { template });
  }
  return tokenizer.chatTemplates.size > 0 ? createChatTemplate(tokenizer) : undefined;
}

interface Announcement {
  readonly id: string;
  readonly url: string;
  readonly slots: number;
  readonly contextLength: number;
  readonly device: string;
}

function announce(what: Announcement, { flags }: Arguments, output: Output): void {
  const { id, url, slots, contextLength, device } = what;
  const size = `${slots} texts of ${contextLength} tokens at once on ${device}`;
  const line = `${id} is served at ${url}/v1, ${size}; Ctrl-C stops`;
  output.line(flags.json ? JSON.stringify({ event: 'listening', ...what }) : line);
}

/** Resolves when a signal comes. */
function asked({ signal }: Interrupt): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
